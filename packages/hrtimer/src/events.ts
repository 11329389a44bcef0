import type { Hrtimer } from "./hrtimer.js";

/** What the kernel would have warned about. None of these stops anything. */
export type HrtimerWarning =
  /** The clock id has no hrtimer base; the timer was put on CLOCK_MONOTONIC. */
  | { readonly kind: "unknown-clock"; readonly timer: Hrtimer; readonly clock: number }
  /** The start mode's SOFT bit (PREEMPT_RT: HARD bit) differs from the one the timer was created with; the created one counts. */
  | { readonly kind: "mode-mismatch"; readonly timer: Hrtimer; readonly mode: number }
  /** `forward` of a queued timer that has expired: nothing was moved. */
  | { readonly kind: "forward-while-queued"; readonly timer: Hrtimer }
  /** Three passes did not catch up; the device was pushed out. `tookNs` is the time since the interrupt's entry. */
  | { readonly kind: "interrupt-hang"; readonly cpu: number; readonly tookNs: bigint };

/** What the timers report. Every member is optional; a missing one costs nothing. */
export interface HrtimerEvents {
  onWarning?(warning: HrtimerWarning): void;
  /** HRTIMER_SOFTIRQ was raised on a CPU: call `runSoftirq` there once its interrupt is over. */
  onSoftirqRaised?(cpu: number): void;
  /** A timer was queued by a start (the kernel's `hrtimer_start` tracepoint); `timer.cpu` says where. */
  onStart?(timer: Hrtimer, mode: number): void;
  /** A queued timer was taken out by a cancel (`hrtimer_cancel`). */
  onCancel?(timer: Hrtimer): void;
  /** A callback is about to run (`hrtimer_expire_entry`); `nowNs` is on the timer's clock. */
  onExpire?(timer: Hrtimer, nowNs: bigint): void;
  /** It returned (`hrtimer_expire_exit`). Not told of one that threw. */
  onExpired?(timer: Hrtimer): void;
  /** What it returned queued its timer again on the same base: HRTIMER_RESTART, which the kernel logs as `hrtimer_start`. */
  onRestart?(timer: Hrtimer): void;
  /** A CPU was asked by another one to look at its queue again. */
  onIpi?(cpu: number): void;
}
