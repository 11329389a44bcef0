import { checkInteger, checkU64 } from "../arguments.js";

/** Unchecked kernel of {@link tscDeadlineDelayNs}. */
export function deadlineDelayNs(tscDeadline: bigint, guestTsc: bigint, virtualTscKhz: number): bigint {
  // The kernel multiplies in u64: beyond 2^64 / 10^6 cycles the delay is an alias (docs/model/lapic §7.6, Quirk B).
  return BigInt.asUintN(64, (tscDeadline - guestTsc) * 1_000_000n) / BigInt(virtualTscKhz);
}

/**
 * Nanoseconds the software backend waits for a TSC deadline, before the advance is taken off
 * (`start_sw_tscdeadline`, docs/model/lapic §7.6). Rounds down. The product wraps at 64 bits, so a deadline
 * 2^64 / 10^6 cycles away or more (7378.7 s at 2.5 GHz) gets the delay of a much nearer one, and a deadline in the past
 * an arbitrary one.
 *
 * @param tscDeadline - guest TSC cycles, u64.
 * @param guestTsc - guest TSC now, u64.
 * @param virtualTscKhz - guest frequency, 1 … 2^32−1.
 * @returns nanoseconds, u64.
 * @throws RangeError or TypeError for an argument outside its domain.
 * @example
 * tscDeadlineDelayNs(2_500_000n, 0n, 2_500_000) // => 1000000n
 * @example
 * tscDeadlineDelayNs(7379n * 2_500_000_000n, 0n, 2_500_000) // => 302370516n
 */
export function tscDeadlineDelayNs(tscDeadline: bigint, guestTsc: bigint, virtualTscKhz: number): bigint {
  checkU64("tscDeadlineDelayNs", "tscDeadline", tscDeadline);
  checkU64("tscDeadlineDelayNs", "guestTsc", guestTsc);
  checkInteger("tscDeadlineDelayNs", "virtualTscKhz", virtualTscKhz, 1, 0xffff_ffff);
  return deadlineDelayNs(tscDeadline, guestTsc, virtualTscKhz);
}
