import type { Budget } from "../../scenario/types.js";
import { GAP, TWO_CONVERSIONS, WHOLE_KHZ } from "../budget-terms.js";

/** The lateness of a timer, and the drift of a day. */
export const xenAccuracyBudgets: readonly Budget[] = [
  {
    observation: "late",
    over: "age",
    terms: [WHOLE_KHZ, TWO_CONVERSIONS, GAP],
    rest: "the wait itself, on the host's clock, and floors",
  },
  { observation: "driftPerDay", terms: [WHOLE_KHZ, TWO_CONVERSIONS], rest: "nothing else" },
];
