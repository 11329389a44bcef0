import { checkU32, checkU64 } from "../argument-checks.js";

const U64_MAX = 2n ** 64n - 1n;

/** The x86 divide error (#DE): a zero divisor, or a quotient wider than the destination. The machine would trap. */
export class DivideError extends RangeError {
  override readonly name = "DivideError";
  /** The dividend, full width. */
  readonly dividend: bigint;
  /** The divisor; 0n for a division by zero. */
  readonly divisor: bigint;

  /**
   * @param fn - the function that divided.
   * @param dividend - the dividend, full width.
   * @param divisor - the divisor.
   * @example
   * new DivideError("mulU64U32Div", 1n, 0n).message // => 'mulU64U32Div: expected a quotient that fits, got 1 / 0'
   */
  constructor(fn: string, dividend: bigint, divisor: bigint) {
    super(`${fn}: expected a quotient that fits, got ${dividend} / ${divisor}`);
    this.dividend = dividend;
    this.divisor = divisor;
  }
}

/**
 * `floor(a · mul / divisor)`, 64 × 32 / 32 bits, as the x86 instructions do it.
 *
 * @param a - unsigned 64-bit factor.
 * @param mul - unsigned 32-bit factor.
 * @param divisor - unsigned 32-bit divisor.
 * @returns the exact floored quotient.
 * @throws DivideError when the divisor is 0 or the quotient needs more than 64 bits; TypeError or RangeError for an
 * argument outside its width.
 * Source: `arch/x86/include/asm/div64.h:mul_u64_u32_div`; docs/model/clocksource-tsc §1.
 * @example
 * mulU64U32Div(2n ** 48n, 2_500_000, 3_000_000) // => 234562480592213n
 */
export function mulU64U32Div(a: bigint, mul: number, divisor: number): bigint {
  checkU64("mulU64U32Div", "a", a);
  checkU32("mulU64U32Div", "mul", mul);
  checkU32("mulU64U32Div", "divisor", divisor);
  return divide("mulU64U32Div", a * BigInt(mul), BigInt(divisor));
}

/**
 * `floor(a · mul / divisor)` as the portable version does it: a quotient over 64 bits keeps its low 64.
 *
 * @param a - unsigned 64-bit factor.
 * @param mul - unsigned 32-bit factor.
 * @param divisor - unsigned 32-bit divisor.
 * @returns the low 64 bits of the floored quotient.
 * @throws DivideError when the divisor is 0; TypeError or RangeError for an argument outside its width.
 * Source: `include/linux/math64.h:mul_u64_u32_div`, generic; docs/model/clocksource-tsc §1.
 * @example
 * mulU64U32DivPortable(2n ** 63n, 5, 1) // => 9223372036854775808n
 */
export function mulU64U32DivPortable(a: bigint, mul: number, divisor: number): bigint {
  checkU64("mulU64U32DivPortable", "a", a);
  checkU32("mulU64U32DivPortable", "mul", mul);
  checkU32("mulU64U32DivPortable", "divisor", divisor);
  const product = a * BigInt(mul);
  if (divisor === 0) throw new DivideError("mulU64U32DivPortable", product, 0n);
  return BigInt.asUintN(64, product / BigInt(divisor));
}

/**
 * `floor(a · mul / divisor)`, 64 × 64 / 64 bits, as the x86 instructions do it.
 *
 * @param a - unsigned 64-bit factor.
 * @param mul - unsigned 64-bit factor.
 * @param divisor - unsigned 64-bit divisor.
 * @returns the exact floored quotient.
 * @throws DivideError when the divisor is 0 or the quotient needs more than 64 bits; TypeError or RangeError for an
 * argument outside its width.
 * Source: `arch/x86/include/asm/div64.h:mul_u64_u64_div_u64`; docs/model/clocksource-tsc §1.
 * @example
 * mulU64U64DivU64(10n ** 18n, 10n ** 18n, 10n ** 17n) // => 10000000000000000000n
 */
export function mulU64U64DivU64(a: bigint, mul: bigint, divisor: bigint): bigint {
  checkU64("mulU64U64DivU64", "a", a);
  checkU64("mulU64U64DivU64", "mul", mul);
  checkU64("mulU64U64DivU64", "divisor", divisor);
  return divide("mulU64U64DivU64", a * mul, divisor);
}

/**
 * `floor(a · mul / divisor)` as the portable version does it: a quotient over 64 bits saturates to 2^64−1.
 *
 * @param a - unsigned 64-bit factor.
 * @param mul - unsigned 64-bit factor.
 * @param divisor - unsigned 64-bit divisor.
 * @returns the floored quotient, at most 2^64−1.
 * @throws DivideError when the divisor is 0; TypeError or RangeError for an argument outside its width.
 * Source: `lib/math/div64.c:mul_u64_u64_div_u64`; docs/model/clocksource-tsc §1.
 * @example
 * mulU64U64DivU64Portable(2n ** 63n, 5n, 1n) // => 18446744073709551615n
 */
export function mulU64U64DivU64Portable(a: bigint, mul: bigint, divisor: bigint): bigint {
  checkU64("mulU64U64DivU64Portable", "a", a);
  checkU64("mulU64U64DivU64Portable", "mul", mul);
  checkU64("mulU64U64DivU64Portable", "divisor", divisor);
  if (divisor === 0n) throw new DivideError("mulU64U64DivU64Portable", a * mul, 0n);
  const quotient = (a * mul) / divisor;
  return quotient > U64_MAX ? U64_MAX : quotient;
}

function divide(fn: string, dividend: bigint, divisor: bigint): bigint {
  if (divisor === 0n) throw new DivideError(fn, dividend, divisor);
  const quotient = dividend / divisor;
  if (quotient > U64_MAX) throw new DivideError(fn, dividend, divisor);
  return quotient;
}
