import type { BudgetTerm } from "../scenario/types.js";

/** Terms that budgets of several clock stories share. */

/** 1 kHz at most: 0.4 ppm at 2.5 GHz. */
export const WHOLE_KHZ: BudgetTerm = {
  name: "khz",
  title: "the guest's frequency in whole kHz",
  ideal: { axes: { guestKhz: "hz" } },
};

export const TWO_CONVERSIONS: BudgetTerm = {
  name: "conversions",
  title: "ratio and multipliers, rounded apart by guest and host",
  ideal: { axes: { getClock: "via-guest-tsc" } },
};

export const GAP: BudgetTerm = {
  name: "gap",
  title: "time between two reads taken for one",
  ideal: { params: { gap: "0ns" } },
};

export const EQUAL_OFFSETS: BudgetTerm = {
  name: "offsets",
  title: "a master clock lost for a difference of offsets",
  ideal: { axes: { masterClockTsc: "equal-frequency" } },
};
