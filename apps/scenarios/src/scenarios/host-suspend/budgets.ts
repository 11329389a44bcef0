import type { Budget } from "../../scenario/types.js";
import { WHOLE_KHZ } from "../budget-terms.js";

/** How far a guest's clock and its TSC are apart after a sleep. */
export const hostSuspendBudgets: readonly Budget[] = [
  {
    observation: "apart",
    terms: [WHOLE_KHZ],
    rest: "the sleep, and the host's multiplier against the guest's",
  },
  {
    observation: "step",
    terms: [WHOLE_KHZ],
    rest: "the sleep, and the host's multiplier against the guest's",
  },
];
