import type { Budget } from "../../scenario/types.js";
import { EQUAL_OFFSETS } from "../budget-terms.js";

/** How far two vCPUs' clocks are apart. */
export const nonMasterAnchorsBudgets: readonly Budget[] = [
  {
    observation: "apart",
    terms: [EQUAL_OFFSETS],
    rest: "the host's multiplier against the guest's, since the other's last update",
  },
];
