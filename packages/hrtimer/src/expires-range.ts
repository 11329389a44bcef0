import { addSafe, checkKtime, checkU64 } from "./ktime.js";

/** The two expiries of a timer with slack: it may fire from the first on, and is queued and programmed by the second. */
export interface ExpiresRange {
  readonly softExpiresNs: bigint;
  readonly expiresNs: bigint;
}

/**
 * Turns a time and a slack into the soft and the hard expiry.
 *
 * @param timeNs - soft expiry, signed 64-bit nanoseconds of the timer's clock.
 * @param deltaNs - slack, unsigned 64-bit; 2^63 and above is seen as negative, which saturates the hard expiry.
 * @returns soft = time; hard = time + slack saturated as {@link ktimeAddSafe} does
 *   (`hrtimer_set_expires_range_ns`, include/linux/hrtimer.h; docs/model/hrtimer §3).
 * @throws RangeError outside those widths, TypeError for anything but a bigint.
 * @example
 * setExpiresRange(1_000n, 50n) // => { softExpiresNs: 1000n, expiresNs: 1050n }
 * setExpiresRange(-1n, 50n).expiresNs // => 9223372036854775807n
 */
export function setExpiresRange(timeNs: bigint, deltaNs: bigint): ExpiresRange {
  checkKtime("setExpiresRange", "timeNs", timeNs);
  checkU64("setExpiresRange", "deltaNs", deltaNs, "nanoseconds");
  return { softExpiresNs: timeNs, expiresNs: addSafe(timeNs, BigInt.asIntN(64, deltaNs)) };
}
