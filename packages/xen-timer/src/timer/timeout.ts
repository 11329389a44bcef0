import type { KvmclockNs, MonotonicNs } from "@chronovisor/clocksource";
import { checkOneOf, checkS64, checkU64 } from "../arguments.js";

/** What a set_timer_op for an absurd timeout becomes: 100 ms. */
const WORKAROUND_DELTA_NS = 100_000_000n;

/**
 * Whether a timeout beyond 2^50 ns, or with bit 63 set, is taken for the overflow of an old Linux guest's counter.
 * set_timer_op does so; a singleshot timer and a restored one do not.
 */
export type TimeoutWorkaround = "linux" | "none";

/** A timeout and the moment it is asked for. */
export interface TimeoutRequest {
  /** Guest clock ns, u64. */
  readonly guestAbsNs: bigint;
  /** What the guest clock reads, u64. */
  readonly guestNowNs: bigint;
  readonly workaround: TimeoutWorkaround;
}

/** What is made of a timeout. */
export interface PlannedTimeout {
  /** The timeout in force: the one asked for, or the workaround's. */
  readonly guestAbsNs: KvmclockNs;
  /** How far it is, s64. */
  readonly deltaNs: bigint;
  /** At once when nothing is left to wait for. */
  readonly action: "immediate" | "hrtimer";
}

/**
 * Decides what a timeout of the guest clock means now.
 *
 * The distance is the difference mod 2^64 seen as signed, so an instant 2^63 ns or more ahead counts as past. Under the
 * workaround a distance of 2^50 ns (13.03 days) or more, and every timeout from 2^63 on, becomes 100 ms from now; 2^50 − 1
 * is honoured.
 *
 * @param request - see {@link TimeoutRequest}.
 * @throws RangeError or TypeError for a time that is no u64 or an unknown workaround.
 * Source: `xen.c:kvm_xen_start_timer`; docs/model/xen-timer §4.1.
 * @example
 * planTimeout({ guestAbsNs: 2n ** 50n, guestNowNs: 1n, workaround: "linux" }).deltaNs // => 1125899906842623n
 * @example
 * planTimeout({ guestAbsNs: 2n ** 63n, guestNowNs: 5n, workaround: "linux" })
 * // => { guestAbsNs: 100000005n, deltaNs: 100000000n, action: 'hrtimer' }
 */
export function planTimeout({ guestAbsNs, guestNowNs, workaround }: TimeoutRequest): PlannedTimeout {
  checkU64("planTimeout", "guestAbsNs", guestAbsNs);
  checkU64("planTimeout", "guestNowNs", guestNowNs);
  checkOneOf("planTimeout", "workaround", workaround, ["linux", "none"]);
  const deltaNs = BigInt.asIntN(64, guestAbsNs - guestNowNs);
  if (workaround === "linux" && (BigInt.asIntN(64, guestAbsNs) < 0n || deltaNs >= 2n ** 50n)) {
    return {
      // u64: the sum wraps.
      guestAbsNs: BigInt.asUintN(64, guestNowNs + WORKAROUND_DELTA_NS) as KvmclockNs,
      deltaNs: WORKAROUND_DELTA_NS,
      action: "hrtimer",
    };
  }
  return {
    guestAbsNs: guestAbsNs as KvmclockNs,
    deltaNs,
    action: deltaNs <= 0n ? "immediate" : "hrtimer",
  };
}

/**
 * The host instant a distance from now ends at. The sum WRAPS at signed 64 bits: a far timeout without the workaround can
 * come out negative. What that means is the timer's: `hrtimer_start` saturates it to never (docs/model/hrtimer §2).
 *
 * @param monotonicNowNs - CLOCK_MONOTONIC of the moment the distance is counted from, s64.
 * @param deltaNs - the distance, s64.
 * @throws RangeError or TypeError outside signed 64 bits.
 * Source: `xen.c:kvm_xen_start_timer`; docs/model/xen-timer §4.1.
 * @example
 * hostExpiry(10n, 2n ** 63n - 1n) // => -9223372036854775799n
 */
export function hostExpiry(monotonicNowNs: bigint, deltaNs: bigint): MonotonicNs {
  checkS64("hostExpiry", "monotonicNowNs", monotonicNowNs);
  checkS64("hostExpiry", "deltaNs", deltaNs);
  return BigInt.asIntN(64, monotonicNowNs + deltaNs) as MonotonicNs;
}
