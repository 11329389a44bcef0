import type { Budget, BudgetTerm } from "../../scenario/types.js";

const DEVICE: BudgetTerm = {
  name: "device",
  title: "a clock event device that does not follow the clock",
  ideal: { axes: { eventDevice: "coupled" } },
};
const CLOCK: BudgetTerm = {
  name: "clock",
  title: "a deadline in TSC cycles waited for on CLOCK_MONOTONIC",
  ideal: { axes: { deadlineClock: "compensated-rechecked" } },
};
const EXITS: BudgetTerm = {
  name: "exits",
  title: "exits and entries",
  ideal: { params: { exitCost: "0ns", entryCost: "0ns" } },
};

/** The worst of the waits. */
export const ntpSlewBudgets: readonly Budget[] = [
  {
    observation: "worst",
    terms: [CLOCK, DEVICE, EXITS],
    rest: "the device's shortest time, the advance and the multiplier's rounding",
  },
];
