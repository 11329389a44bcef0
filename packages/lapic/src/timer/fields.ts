import type { PeriodicDeadlines } from "./periodic-advance.js";
import { LVT_MASKED, MODE_MASK_NONE, type TimerModeNumber } from "./registers.js";

/** The timer's registers and `struct kvm_timer`, shared by the modules that act on them. */
export interface TimerFields extends PeriodicDeadlines {
  lvtt: number;
  tmict: number;
  tdcr: number;
  divide: number;
  mode: TimerModeNumber;
  modeMask: number;
  minTimerPeriodUs: number;
  /** Guest TSC of the last expiration whose advance is still to be waited for; 0 for none. */
  expiredTsc: bigint;
  pending: number;
  hvInUse: boolean;
}

/** A timer nothing was written to: LVTT masked, one-shot, divisor 2. */
export function createFields(): TimerFields {
  return {
    lvtt: LVT_MASKED,
    tmict: 0,
    tdcr: 0,
    divide: 2,
    mode: 0,
    modeMask: MODE_MASK_NONE,
    minTimerPeriodUs: 200,
    period: 0n,
    target: 0n,
    tscDeadline: 0n,
    expiredTsc: 0n,
    pending: 0,
    hvInUse: false,
    periodCycles: 0n,
    periodCyclesOf: 0n,
    periodCyclesKhz: -1,
  };
}
