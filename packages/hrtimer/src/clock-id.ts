/**
 * The clocks an hrtimer can run on, by their POSIX ids (include/uapi/linux/time.h).
 * CLOCK_MONOTONIC_RAW (4) is not among them: no hrtimer can follow it (docs/model/hrtimer §1).
 */

/** Wall-clock time since 1970-01-01T00:00:00Z; it can be set. */
export const CLOCK_REALTIME = 0;
/** Time since boot without suspends, steered in rate, never set. */
export const CLOCK_MONOTONIC = 1;
/** CLOCK_MONOTONIC with the suspends. */
export const CLOCK_BOOTTIME = 7;
/** CLOCK_REALTIME without leap seconds. */
export const CLOCK_TAI = 11;

/** One of the four CLOCK_ constants. */
export type HrtimerClockId = 0 | 1 | 7 | 11;

/** `enum hrtimer_base_type` without its soft half: index order is the order in which the bases are scanned. */
export const CLOCK_OF_BASE: readonly [HrtimerClockId, HrtimerClockId, HrtimerClockId, HrtimerClockId] = [
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  CLOCK_BOOTTIME,
  CLOCK_TAI,
];
/** Index distance from a hard base to the soft base of the same clock. */
export const SOFT_BASE = 4;
/** Hard and soft bases of one CPU. */
export const BASES_PER_CPU = 8;
