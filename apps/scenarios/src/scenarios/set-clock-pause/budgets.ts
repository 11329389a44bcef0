import type { Budget } from "../../scenario/types.js";
import { GAP, TWO_CONVERSIONS, WHOLE_KHZ } from "../budget-terms.js";

/** What a clock that is set back to where it was loses. */
export const setClockPauseBudgets: readonly Budget[] = [
  {
    observation: "lost",
    terms: [WHOLE_KHZ, TWO_CONVERSIONS, GAP],
    rest: "the pause, where the clock is not told of it",
  },
];
