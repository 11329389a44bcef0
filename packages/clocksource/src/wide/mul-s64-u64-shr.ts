import { checkInteger, checkS64, checkU64 } from "../argument-checks.js";

/**
 * `(a · b) >> shift` of a signed `a`, truncated TOWARD ZERO: the sign is taken off, the product of the magnitudes shifted,
 * and the sign put back.
 *
 * @param a - signed 64-bit factor.
 * @param b - unsigned 64-bit factor.
 * @param shift - 0 … 127.
 * @returns the u64 bit pattern of the signed result; bits above 63 are dropped.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `include/linux/math64.h:mul_s64_u64_shr`; docs/model/clocksource-tsc §1. KVM uses it for nested TSC offsets.
 * @example
 * BigInt.asIntN(64, mulS64U64Shr(-1n, 3n << 47n, 48)) // => -1n
 */
export function mulS64U64Shr(a: bigint, b: bigint, shift: number): bigint {
  checkS64("mulS64U64Shr", "a", a);
  checkU64("mulS64U64Shr", "b", b);
  checkInteger("mulS64U64Shr", "shift", shift, 0, 127);
  const magnitude = ((a < 0n ? -a : a) * b) >> BigInt(shift);
  return BigInt.asUintN(64, a < 0n ? -magnitude : magnitude);
}
