import type { VcpuTscView } from "@chronovisor/clocksource";
import type { LapicTimerBehaviours } from "./behaviours.js";
import type { TimerFields } from "./fields.js";
import { periodInCycles } from "./periodic-advance.js";
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
function stepsByPeriod(f: TimerFields, behaviours: LapicTimerBehaviours, nextExpiryNs: bigint): boolean {
  const { periodicAdvance, hrtimerRearm } = behaviours;
  if (f.mode !== TIMER_MODE_PERIODIC || f.period <= 0n || f.pending === 0) return false;
  if (periodicAdvance !== "independent" && periodicAdvance !== "resync") return false;
  return hrtimerRearm === "add-period" || nextExpiryNs === f.target;
}

/** Applies all the callbacks due from `nextExpiryNs` to `horizonNs` but the last. */
export function skipCallbacks(
  f: TimerFields,
  behaviours: LapicTimerBehaviours,
  tsc: VcpuTscView,
  nextExpiryNs: bigint,
  horizonNs: bigint,
): BacklogSkip {
  if (horizonNs <= nextExpiryNs || !stepsByPeriod(f, behaviours, nextExpiryNs))
    return { count: 0n, nextExpiryNs };
  const count = (horizonNs - nextExpiryNs) / f.period;
  f.target = BigInt.asIntN(64, f.target + count * f.period);
  if (behaviours.periodicAdvance === "independent") {
    f.tscDeadline = BigInt.asUintN(64, f.tscDeadline + count * periodInCycles(f, tsc));
  }
  return { count, nextExpiryNs: nextExpiryNs + count * f.period };
}
