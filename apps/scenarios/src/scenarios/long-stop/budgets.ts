import type { Budget, BudgetTerm } from "../../scenario/types.js";

const CLAMP: BudgetTerm = {
  name: "clamp",
  title: "a target left behind, which nothing moves to now",
  ideal: { axes: { periodicAdvance: "resync-clamped", hrtimerRearm: "set-target" } },
};
const CALLBACK: BudgetTerm = {
  name: "callback",
  title: "the time one callback takes",
  ideal: { params: { callbackCost: "0ns" } },
};
const DEVICE: BudgetTerm = {
  name: "device",
  title: "the clock event device's shortest time",
  ideal: { params: { minDelta: "0ns" } },
};
const REEXIT: BudgetTerm = {
  name: "reexit",
  title: "the forced exits of the preemption timer",
  ideal: { params: { reexit: "0ns" } },
};

/** What there is to catch up, how long interrupts are off for it, and how long it takes. */
export const longStopBudgets: readonly Budget[] = [
  { observation: "expirations", terms: [CLAMP], rest: "what any periodic timer catches up" },
  { observation: "busy", terms: [CLAMP, CALLBACK, DEVICE], rest: "nothing else" },
  { observation: "catchUp", terms: [CLAMP, CALLBACK, DEVICE, REEXIT], rest: "nothing else" },
];
