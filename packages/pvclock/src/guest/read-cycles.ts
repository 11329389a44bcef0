/**
 * The pvclock formula: nanoseconds at a guest TSC, from a reference point and a rate.
 *
 *     ns = system_time + pvScale(tsc − tsc_timestamp, tsc_to_system_mul, tsc_shift)       mod 2^64
 *
 * The difference is unsigned. A TSC below the reference gives a huge value: the formula has no clamp, and a shift of −1 makes
 * an even TSC and the odd one after it read the same.
 *
 * Source: `arch/x86/include/asm/pvclock.h:__pvclock_read_cycles`; docs/model/pvclock §1.5.
 */

import { type GuestTsc, type KvmclockNs, pvScaleBatch, pvScaleInto } from "@chronovisor/clocksource";
import type { PvclockReference } from "../abi/vcpu-time-info.js";
import { checkArrays, checkSlot, checkU64 } from "../argument-checks.js";
import { checkRate, checkReference } from "./reference-check.js";

const U = BigInt.asUintN;

const scratch = /* @__PURE__ */ new BigUint64Array(1);

/**
 * What a guest's clock reads at `tsc`, before any clamp between vCPUs.
 *
 * @param reference - the reference point, u64 each, and the rate: multiplier u32, shift −63 … 63 (C leaves larger counts
 * undefined). A decoded `vcpu_time_info` will do.
 * @param tsc - guest TSC, u64.
 * @returns nanoseconds, WRAPPED at 64 bits.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `asm/pvclock.h:__pvclock_read_cycles`; docs/model/pvclock §1.5.
 * @example
 * import { guestTsc } from "@chronovisor/clocksource";
 * const reference = { tscTimestamp: 1000n, systemTime: 7n, tscToSystemMul: 3435973836, tscShift: -1 };
 * readCycles(reference, guestTsc(2_500_001_000n)) // => 1000000006n
 * readCycles(reference, guestTsc(998n)) // => 7378697628969070605n
 */
export function readCycles(reference: PvclockReference, tsc: GuestTsc): KvmclockNs {
  checkReference("readCycles", reference);
  checkU64("readCycles", "tsc", tsc);
  readCyclesInto(scratch, 0, reference, tsc);
  return scratch[0] as KvmclockNs;
}

/**
 * {@link readCycles} with the result left in a slot, so that nothing is allocated.
 *
 * @param out - receives nanoseconds.
 * @param index - the slot of `out`.
 * @param reference - reference point, taken mod 2^64, and rate, checked.
 * @param tsc - guest TSC, taken mod 2^64.
 * @throws RangeError for a slot, multiplier or shift out of range, TypeError for a wrong type.
 * Source: `asm/pvclock.h:__pvclock_read_cycles`; docs/model/pvclock §1.5.
 * @example
 * const slot = new BigUint64Array(1);
 * readCyclesInto(slot, 0, { tscTimestamp: 0n, systemTime: 5n, tscToSystemMul: 2 ** 31, tscShift: 0 }, 20n);
 * slot[0] // => 15n
 */
export function readCyclesInto(
  out: BigUint64Array,
  index: number,
  reference: PvclockReference,
  tsc: bigint,
): void {
  const { tscToSystemMul, tscShift } = reference;
  checkSlot("readCyclesInto", out, index);
  checkRate("readCyclesInto", tscToSystemMul, tscShift);
  pvScaleInto(out, index, U(64, tsc - reference.tscTimestamp), tscToSystemMul, tscShift);
  out[index] = U(64, (out[index] as bigint) + reference.systemTime);
}

/**
 * {@link readCycles} of every element of `tscs`.
 *
 * @param out - receives `tscs.length` readings; may be `tscs` itself.
 * @param reference - reference point, taken mod 2^64, and rate, checked.
 * @param tscs - guest TSC values.
 * @throws RangeError when `out` is shorter than `tscs` or the rate is out of range, TypeError for a wrong type.
 * Source: `asm/pvclock.h:__pvclock_read_cycles`; docs/model/pvclock §1.5.
 * @example
 * const ns = new BigUint64Array(2);
 * const reference = { tscTimestamp: 10n, systemTime: 5n, tscToSystemMul: 2 ** 31, tscShift: 0 };
 * readCyclesBatch(ns, reference, BigUint64Array.of(10n, 30n));
 * ns // => BigUint64Array(2) [ 5n, 15n ]
 */
export function readCyclesBatch(
  out: BigUint64Array,
  reference: PvclockReference,
  tscs: BigUint64Array,
): void {
  checkArrays("readCyclesBatch", out, "tscs", tscs);
  checkReference("readCyclesBatch", reference);
  const { tscTimestamp, systemTime, tscToSystemMul, tscShift } = reference;
  const n = tscs.length;
  for (let i = 0; i < n; i++) out[i] = U(64, (tscs[i] as bigint) - tscTimestamp);
  const deltas = out.length === n ? out : out.subarray(0, n);
  pvScaleBatch(deltas, deltas, tscToSystemMul, tscShift);
  for (let i = 0; i < n; i++) out[i] = U(64, (out[i] as bigint) + systemTime);
}
