import type { MonotonicNs } from "@chronovisor/clocksource";
import type { HrtimerClockId } from "./clock-id.js";
import type { HrtimerMode } from "./mode.js";
import type { Timer } from "./timer.js";

/** What `tryToCancel` found: 0 not active, 1 removed from the queue, −1 its callback is running. */
export type CancelResult = -1 | 0 | 1;

/**
 * One kernel timer, made by {@link HrtimerSystem.createTimer} (`struct hrtimer`, docs/model/hrtimer §1 and §4).
 *
 * Every instant is signed 64-bit nanoseconds of the timer's own clock. The hard expiry orders the queue and programs the
 * device; the callback may run from the soft expiry on.
 */
export interface Hrtimer extends Timer {
  readonly name: string;
  readonly clock: HrtimerClockId;
  /** Expires in HRTIMER_SOFTIRQ instead of the interrupt. */
  readonly isSoft: boolean;
  /** The CPU whose base the timer is on (queued) or was last on. */
  readonly cpu: number;
  /** Enqueued, not merely running. Same as `armed`. */
  readonly isQueued: boolean;
  /** Enqueued or running its callback (`hrtimer_active`). */
  readonly active: boolean;
  /** Hard expiry. */
  readonly expiresNs: MonotonicNs;
  /** Soft expiry. */
  readonly softExpiresNs: bigint;

  /** Queues the timer for `timeNs`, or from now on with HRTIMER_MODE_REL (saturating); a queued timer is moved. */
  start(timeNs: bigint, mode: HrtimerMode): void;
  /** {@link Hrtimer.start} with slack: may fire from `timeNs` on, and has to at `timeNs` + `deltaNs` (u64, saturating). */
  startRange(timeNs: bigint, deltaNs: bigint, mode: HrtimerMode): void;
  /** Starts again with the stored soft expiry and slack, absolute (`hrtimer_start_expires`). */
  startExpires(mode: HrtimerMode): void;
  /** {@link Hrtimer.startExpires} with HRTIMER_MODE_ABS (`hrtimer_restart`). */
  restart(): void;
  /** Takes the timer out of its queue unless its callback is running. */
  tryToCancel(): CancelResult;
  /**
   * Takes the timer out of its queue; true if it was queued.
   *
   * @throws HrtimerDeadlockError while the callback is running, where the kernel would spin.
   */
  cancel(): boolean;
  /** Now on the timer's clock, read directly (`hrtimer_cb_get_time`). */
  readonly clockNowNs: bigint;
  /** Hard expiry minus now on the timer's clock; negative once it has passed. */
  getRemaining(): bigint;
  /** Moves an expired, unqueued timer past `nowNs` by whole intervals and returns how many: {@link hrtimerForward}. */
  forward(nowNs: bigint, intervalNs: bigint): bigint;
  /** {@link Hrtimer.forward} past the clock's now. */
  forwardNow(intervalNs: bigint): bigint;
  /** Sets both expiries. @throws Error while queued: it would corrupt the order of the queue. */
  setExpires(timeNs: bigint): void;
  /** Sets the soft expiry to `timeNs` and the hard one `deltaNs` (u64, saturating) later. @throws Error while queued. */
  setExpiresRange(timeNs: bigint, deltaNs: bigint): void;
  /** Adds to both expiries, saturating as {@link ktimeAddSafe}. @throws Error while queued. */
  addExpires(deltaNs: bigint): void;
}
