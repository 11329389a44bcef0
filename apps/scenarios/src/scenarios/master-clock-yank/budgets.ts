import type { Budget } from "../../scenario/types.js";
import { WHOLE_KHZ } from "../budget-terms.js";

/** What a new reference makes of a guest's clock. */
export const masterClockYankBudgets: readonly Budget[] = [
  {
    observation: "jump",
    terms: [
      WHOLE_KHZ,
      {
        name: "page",
        title: "a reference taken for a page of Xen's",
        ideal: { axes: { xenMapYank: "none" } },
      },
    ],
    rest: "the host's multiplier against the guest's, where the reference is asked for otherwise",
  },
  { observation: "ahead", terms: [WHOLE_KHZ], rest: "the host's multiplier against the guest's" },
];
