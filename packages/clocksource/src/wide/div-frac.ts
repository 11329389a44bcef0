import { checkU32 } from "../argument-checks.js";
import { DivideError } from "./mul-div.js";

/**
 * `floor((dividend << 32) / divisor)`: a proper fraction as 0.32 fixed point.
 *
 * @param dividend - unsigned 32-bit, less than `divisor`.
 * @param divisor - unsigned 32-bit.
 * @returns the fraction, 0 … 2^32−1.
 * @throws DivideError when `dividend >= divisor` (the instruction would trap); TypeError or RangeError for an argument
 * outside its width.
 * Source: `arch/x86/kvm/x86.c:div_frac`; docs/model/clocksource-tsc §1.
 * @example
 * divFrac(1, 2) // => 2147483648
 */
export function divFrac(dividend: number, divisor: number): number {
  checkU32("divFrac", "dividend", dividend);
  checkU32("divFrac", "divisor", divisor);
  const wide = BigInt(dividend) << 32n;
  if (dividend >= divisor) throw new DivideError("divFrac", wide, BigInt(divisor));
  return Number(wide / BigInt(divisor));
}
