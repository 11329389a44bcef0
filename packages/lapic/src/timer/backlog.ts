import type { LapicTimerBehaviours } from "./behaviours.js";
import type { TimerFields } from "./fields.js";
import { TIMER_MODE_PERIODIC } from "./registers.js";

/*
 * After a long stop the callbacks of a periodic timer are due by the million, and all but the last only advance: the
 * first expiry is still pending. Under `independent` and `resync` each moves the target by one period, so any number of
 * them is one multiplication. Under `resync` the deadline is computed anew by each, so only the last one's counts.
 */

/** How many callbacks may be left out, and the expiry of the first that may not (CLOCK_MONOTONIC ns). */
export interface BacklogSkip {
  readonly count: bigint;
  readonly nextExpiryNs: bigint;
}

/** Whether each callback from `nextExpiryNs` on is a no-op but for a step of exactly one period. */
export function skipsBacklog(
  { periodicAdvance, hrtimerRearm }: LapicTimerBehaviours,
  f: TimerFields,
  nextExpiryNs: bigint,
): boolean {
  if (f.mode !== TIMER_MODE_PERIODIC || f.period <= 0n || f.pending === 0) return false;
  if (periodicAdvance !== "independent" && periodicAdvance !== "resync") return false;
  return hrtimerRearm === "add-period" || nextExpiryNs === f.target;
}

/** Callbacks due at or before `horizonNs` without the last, for a positive `period`. */
export function backlogLength(period: bigint, nextExpiryNs: bigint, horizonNs: bigint): bigint {
  return horizonNs <= nextExpiryNs ? 0n : (horizonNs - nextExpiryNs) / period;
}
