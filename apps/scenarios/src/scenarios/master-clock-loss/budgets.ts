import type { Budget } from "../../scenario/types.js";
import { EQUAL_OFFSETS, GAP } from "../budget-terms.js";

/** How far a guest's clock jumps when its master clock goes. */
export const masterClockLossBudgets: readonly Budget[] = [
  { observation: "jump", terms: [EQUAL_OFFSETS, GAP], rest: "the causes that take it all the same" },
];
