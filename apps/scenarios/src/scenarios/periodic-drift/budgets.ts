import type { Budget, BudgetTerm } from "../../scenario/types.js";

const RATE: BudgetTerm = {
  name: "rate",
  title: "CLOCK_MONOTONIC's rate against the TSC, as NTP bends it",
  ideal: { params: { monoRatePpm: "0ppm" } },
};
const MULTIPLIER: BudgetTerm = {
  name: "multiplier",
  title: "the clock's multiplier, rounded, and NTP's dither",
  ideal: { params: { clock: "exact" } },
};
const HANDLER: BudgetTerm = {
  name: "handler",
  title: "the guest's handling of a tick",
  ideal: { params: { handler: "0ns" } },
};
const EXITS: BudgetTerm = {
  name: "exits",
  title: "exits and entries",
  ideal: { params: { exitCost: "0ns", entryCost: "0ns", wakeCost: "0ns" } },
};
const RULE: BudgetTerm = {
  name: "rule",
  title: "the two deadlines advancing apart",
  ideal: { axes: { periodicAdvance: "resync" } },
};

/** The lag of the two deadlines, which builds up by a rate; the ticks that are lost by it; a wait while halted. */
export const periodicDriftBudgets: readonly Budget[] = [
  {
    observation: "lag",
    terms: [RATE, MULTIPLIER, RULE],
    rest: "rounding of each period to whole cycles and nanoseconds",
  },
  { observation: "lost", terms: [RATE, MULTIPLIER, RULE, HANDLER, EXITS], rest: "nothing else" },
  { observation: "longestHalt", terms: [RATE, MULTIPLIER, RULE, HANDLER, EXITS], rest: "the period" },
];
