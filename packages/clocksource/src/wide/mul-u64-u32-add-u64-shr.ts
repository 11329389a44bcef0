import { checkInteger, checkU32, checkU64 } from "../argument-checks.js";

/**
 * `(a · mul + addend) >> shift` with nothing lost before the shift: the overflow-safe clock read.
 *
 * @param a - unsigned 64-bit factor.
 * @param mul - unsigned 32-bit factor.
 * @param addend - unsigned 64-bit addend, in units of 2^−shift.
 * @param shift - 0 … 127.
 * @returns the low 64 bits of the floored quotient.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `include/linux/math64.h:mul_u64_u32_add_u64_shr`; docs/model/clocksource-tsc §1 and §3.2.
 * @example
 * mulU64U32AddU64Shr(2n ** 63n, 4, 3n, 1) // => 1n
 */
export function mulU64U32AddU64Shr(a: bigint, mul: number, addend: bigint, shift: number): bigint {
  checkU64("mulU64U32AddU64Shr", "a", a);
  checkU32("mulU64U32AddU64Shr", "mul", mul);
  checkU64("mulU64U32AddU64Shr", "addend", addend);
  checkInteger("mulU64U32AddU64Shr", "shift", shift, 0, 127);
  return BigInt.asUintN(64, (a * BigInt(mul) + addend) >> BigInt(shift));
}
