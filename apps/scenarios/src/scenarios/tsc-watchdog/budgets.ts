import type { Budget } from "../../scenario/types.js";
import { WHOLE_KHZ } from "../budget-terms.js";

/** What a guest's TSC gains in a day. */
export const tscWatchdogBudgets: readonly Budget[] = [
  {
    observation: "perDay",
    terms: [
      WHOLE_KHZ,
      {
        name: "calibration",
        title: "the frequency as kvm-clock tells it, in even kHz",
        ideal: { params: { calibration: "kept" } },
      },
    ],
    rest: "the host's TSC against the rate the guest takes it for",
  },
];
