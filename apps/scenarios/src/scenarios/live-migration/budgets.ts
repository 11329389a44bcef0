import type { Budget } from "../../scenario/types.js";
import { GAP, TWO_CONVERSIONS, WHOLE_KHZ } from "../budget-terms.js";

/** What a guest's clock loses on the way. */
export const liveMigrationBudgets: readonly Budget[] = [
  {
    observation: "clockAhead",
    terms: [
      WHOLE_KHZ,
      TWO_CONVERSIONS,
      GAP,
      { name: "skew", title: "the two hosts' CLOCK_REALTIME", ideal: { params: { skew: "0ns" } } },
    ],
    rest: "floors",
  },
];
