import type { Budget } from "../../scenario/types.js";
import { TWO_CONVERSIONS, WHOLE_KHZ } from "../budget-terms.js";

/** How far Hyper-V's counter is off its page. */
export const hypervPageBudgets: readonly Budget[] = [
  { observation: "fallback", terms: [WHOLE_KHZ, TWO_CONVERSIONS], rest: "floors" },
];
