/**
 * The pvclock formula: nanoseconds at a guest TSC, from a reference point and a rate.
 *
 *     ns = system_time + pvScale(tsc − tsc_timestamp, tsc_to_system_mul, tsc_shift)       mod 2^64
 *
 * The difference is unsigned. A TSC below the reference gives a huge value: the formula has no clamp, and a shift of −1 makes
 * an even difference and the odd one after it read the same.
 *
 * Source: `arch/x86/include/asm/pvclock.h:__pvclock_read_cycles`; docs/model/pvclock §1.5.
 */

import { type GuestTsc, type KvmclockNs, pvScale } from "@chronovisor/clocksource";
import type { PvclockReference } from "../abi/vcpu-time-info.js";
import { checkU64 } from "../argument-checks.js";
import { checkReference } from "./reference-check.js";

const U = BigInt.asUintN;

/**
 * What a guest's clock reads at `tsc`, before any clamp between vCPUs. For many readings of one reference there is
 * {@link PvclockFormula}.
 *
 * @param reference - the reference point, u64 each, and the rate: multiplier u32, shift −63 … 63 (C leaves larger counts
 * undefined). A decoded `vcpu_time_info` will do.
 * @param tsc - guest TSC, u64.
 * @returns nanoseconds, WRAPPED at 64 bits.
 * @throws TypeError or RangeError for an argument outside its domain.
 * Source: `asm/pvclock.h:__pvclock_read_cycles`; docs/model/pvclock §1.5.
 * @example
 * import { guestTsc } from "@chronovisor/clocksource";
 * const reference = { tscTimestamp: 1000n, systemTime: 7n, tscToSystemMul: 3435973836, tscShift: -1 };
 * readCycles(reference, guestTsc(2_500_001_000n)) // => 1000000006n
 * readCycles(reference, guestTsc(998n)) // => 7378697627765833734n
 */
export function readCycles(reference: PvclockReference, tsc: GuestTsc): KvmclockNs {
  checkReference("readCycles", reference);
  checkU64("readCycles", "tsc", tsc);
  const { tscTimestamp, systemTime, tscToSystemMul, tscShift } = reference;
  return U(64, systemTime + pvScale(U(64, tsc - tscTimestamp), tscToSystemMul, tscShift)) as KvmclockNs;
}
