import type { MonotonicNs } from "@chronovisor/clocksource";
import type { Hrtimer } from "./hrtimer.js";

/** One CPU's timers and its event device (`struct hrtimer_cpu_base`, docs/model/hrtimer §1, §4.1 and §6). */
export interface HrtimerCpu {
  readonly id: number;
  readonly online: boolean;
  /** The next event as the CPU remembers it, CLOCK_MONOTONIC; KTIME_MAX = none. */
  readonly expiresNext: bigint;
  /** The next event of the soft timers (`softirq_expires_next`). */
  readonly softExpiresNext: bigint;
  /** The timer `expiresNext` was taken from; a hint that may name a timer which has left. */
  readonly nextTimer: Hrtimer | undefined;
  readonly softNextTimer: Hrtimer | undefined;
  /** Bit i: base i has queued timers (MONOTONIC, REALTIME, BOOTTIME, TAI, then the same soft). */
  readonly activeBases: number;
  /** Inside {@link HrtimerCpu.interrupt}, high-resolution. */
  readonly inHrtirq: boolean;
  /** The last interrupt did not catch up in three passes; requests to reprogram only record `expiresNext`. */
  readonly hangDetected: boolean;
  /** HRTIMER_SOFTIRQ is raised or running: call {@link HrtimerCpu.runSoftirq}. */
  readonly softirqActivated: boolean;
  /** Interrupts, failed programmings and hangs since the CPU was made. */
  readonly nrEvents: number;
  readonly nrRetries: number;
  readonly nrHangs: number;
  /** Longest hang, nanoseconds modulo 2^32 (`max_hang_time`). */
  readonly maxHangNs: number;
  /** Passes the last interrupt took, 1 … 3. */
  readonly passes: number;
  /** Timers queued on all eight bases. */
  readonly queued: number;

  /**
   * The event device fired: runs what is due and programs the next event (`hrtimer_interrupt`; without high resolution,
   * the tick: `hrtimer_run_queues`). The system's current CPU is this one meanwhile.
   *
   * @throws HrtimerLoopError after `maxCallbacksPerInterrupt` callbacks, Error when nested or offline.
   */
  interrupt(): void;
  /** Runs the soft timers that are due and re-arms their next event (`hrtimer_run_softirq`). */
  runSoftirq(): void;
  /** What an IPI from another CPU or a resume does: offsets refreshed, the next event found and written again. */
  retrigger(): void;
  /**
   * Inside a callback of `timer` only: the latest CLOCK_MONOTONIC expiry (soft = hard) at which
   * re-arming it makes it run again in this same pass with no other timer's callback in between. Many identical
   * catch-up callbacks can then be computed in closed form.
   *
   * @throws Error outside a callback of this timer on this CPU.
   */
  horizon(timer: Hrtimer): MonotonicNs;
}
