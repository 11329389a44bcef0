import { checkInteger, checkU64 } from "../argument-checks.js";

const U64_MAX = 2n ** 64n - 1n;

/**
 * `floor((a << shift) / divisor)` with a 128-bit dividend, or undefined when the quotient does not fit 64 bits.
 *
 * The kernel refuses instead of trapping: a deadline too far away for the preemption timer falls back to software.
 *
 * @param a - unsigned 64-bit value.
 * @param shift - 1 … 63.
 * @param divisor - unsigned 64-bit divisor; 0 is refused like an overflow.
 * @returns the floored quotient, or undefined when it was refused.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `arch/x86/kvm/vmx/vmx.c:u64_shl_div_u64`; docs/model/clocksource-tsc §1.
 * @example
 * shlDivU64(12095n, 48, 133989889465699n) // => 25408n
 * shlDivU64(2n ** 32n, 48, 1n) // => undefined
 */
export function shlDivU64(a: bigint, shift: number, divisor: bigint): bigint | undefined {
  checkU64("shlDivU64", "a", a);
  checkInteger("shlDivU64", "shift", shift, 1, 63);
  checkU64("shlDivU64", "divisor", divisor);
  if (divisor === 0n) return undefined;
  const quotient = (a << BigInt(shift)) / divisor;
  return quotient > U64_MAX ? undefined : quotient;
}
