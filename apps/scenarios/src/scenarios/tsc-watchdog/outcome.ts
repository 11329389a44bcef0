import type { Watch } from "./watch.js";

/** How a guest's watchdog judges: the TSC is given up for its rate, or for slow reads; nothing is compared; it is kept. */
export type Outcome = "skew" | "read-back" | "skipped" | "kept";

export function outcomeOf({ unstable, skips }: Watch): Outcome {
  if (unstable !== undefined) return unstable.reason.kind;
  return skips > 0 ? "skipped" : "kept";
}
