import type { HostClock, VcpuTscView } from "@chronovisor/clocksource";
import type { LapicTimerBehaviours } from "./behaviours.js";
import type { TimerFields } from "./fields.js";
import type { LapicTimerConfig } from "./options.js";
import { rescaleCount, startCount } from "./target-expiration.js";

/*
 * The count of a one-shot or periodic timer, as the timer's fields keep it. What goes into a computation is written out as
 * one literal: V8 gives an object that a spread began a shape of its own each time, and a write of TMICT took 10 µs.
 */

/** What a start came to. */
export interface CountStart {
  /** False when the count is 0: nothing is to be armed. */
  readonly ok: boolean;
  /** The current count register after: 0 when a saved count above the period was clamped. */
  readonly tmcct: number;
}

/** Starts the count from the initial count or a saved one, now: the TSC is sampled first (docs/model/lapic §7.6, §8). */
export function beginCount(
  f: TimerFields,
  config: LapicTimerConfig,
  { oneshotRestore }: LapicTimerBehaviours,
  clock: HostClock,
  tsc: VcpuTscView,
  countReg: "TMICT" | "TMCCT",
  tmcct: number,
): CountStart {
  const hostTsc = clock.tsc();
  const now = clock.monotonicNs();
  const started = startCount(
    {
      mode: f.mode,
      tmict: f.tmict,
      busCycleNs: config.busCycleNs,
      minTimerPeriodUs: f.minTimerPeriodUs,
      divide: f.divide,
      countReg,
      tmcct,
      oneshotRestore,
      hostTsc,
      now,
      target: f.target,
    },
    tsc,
  );
  f.period = started.period;
  f.tscDeadline = started.tscDeadline;
  f.target = started.target;
  return started;
}

/** Rescales the time left of a running count to the divisor now in force (docs/model/lapic §7.4). */
export function rescaleRunningCount(
  f: TimerFields,
  config: LapicTimerConfig,
  clock: HostClock,
  tsc: VcpuTscView,
  oldDivide: number,
): void {
  const rescaled = rescaleCount(
    {
      mode: f.mode,
      tmict: f.tmict,
      busCycleNs: config.busCycleNs,
      minTimerPeriodUs: f.minTimerPeriodUs,
      oldDivide,
      newDivide: f.divide,
      tscDeadline: f.tscDeadline,
      target: f.target,
      now: clock.monotonicNs(),
    },
    tsc,
  );
  f.period = rescaled.period;
  f.tscDeadline = rescaled.tscDeadline;
  f.target = rescaled.target;
}
