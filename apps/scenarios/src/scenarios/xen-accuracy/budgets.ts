import type { Budget, BudgetTerm } from "../../scenario/types.js";

const WHOLE_KHZ: BudgetTerm = {
  name: "khz",
  title: "the guest's frequency in whole kHz",
  ideal: { axes: { guestKhz: "hz" } },
};
const TWO_CONVERSIONS: BudgetTerm = {
  name: "conversions",
  title: "ratio and multipliers, rounded apart by guest and host",
  ideal: { axes: { getClock: "via-guest-tsc" } },
};
const GAP: BudgetTerm = {
  name: "gap",
  title: "time between two reads taken for one",
  ideal: { params: { gap: "0ns" } },
};

/** The lateness of a timer, and the drift of a day. */
export const xenAccuracyBudgets: readonly Budget[] = [
  {
    observation: "late",
    over: "age",
    terms: [WHOLE_KHZ, TWO_CONVERSIONS, GAP],
    rest: "the wait itself, on the host's clock, and floors",
  },
  {
    observation: "driftPerDay",
    terms: [WHOLE_KHZ, TWO_CONVERSIONS],
    rest: "nothing else",
  },
];
