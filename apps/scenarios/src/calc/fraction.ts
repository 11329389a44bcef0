/** Rates as exact fractions: a difference of 0.1 ppb between two clocks is 9 µs a day, and no step towards it may round. */
import { divideHalfEven } from "../units/divide-half-even.js";
import { groupThousands } from "../units/group-thousands.js";
import { MINUS } from "../units/minus.js";

/** A rational number in lowest terms; the denominator is positive. */
export interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

/**
 * `numerator / denominator` in lowest terms.
 *
 * @throws RangeError for a denominator of 0
 * @example
 * fraction(6n, -4n) // => { numerator: -3n, denominator: 2n }
 */
export function fraction(numerator: bigint, denominator: bigint = 1n): Fraction {
  if (denominator === 0n) throw new RangeError("fraction: expected a denominator other than 0, got 0");
  const divisor = greatestCommonDivisor(numerator, denominator) * (denominator < 0n ? -1n : 1n);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

/** a − b. */
export function minus(a: Fraction, b: Fraction): Fraction {
  return fraction(a.numerator * b.denominator - b.numerator * a.denominator, a.denominator * b.denominator);
}

/** a · b. */
export function times(a: Fraction, b: Fraction): Fraction {
  return fraction(a.numerator * b.numerator, a.denominator * b.denominator);
}

/** 2^exponent, whatever its sign. */
export function powerOfTwo(exponent: number): Fraction {
  return exponent < 0 ? fraction(1n, 1n << BigInt(-exponent)) : fraction(1n << BigInt(exponent));
}

interface DecimalDigits {
  readonly sign: "" | "-";
  readonly whole: bigint;
  readonly decimals: string;
}

function decimalDigits({ numerator, denominator }: Fraction, digits: number): DecimalDigits {
  const unit = 10n ** BigInt(digits);
  const rounded = divideHalfEven(numerator * unit, denominator);
  const magnitude = rounded < 0n ? -rounded : rounded;
  const decimals = digits === 0 ? "" : `.${(magnitude % unit).toString().padStart(digits, "0")}`;
  return { sign: rounded < 0n ? "-" : "", whole: magnitude / unit, decimals };
}

/**
 * `value` to `digits` decimals, half-even, for a program.
 *
 * @example
 * toDecimal(fraction(-12_345n, 2n), 2) // => '-6172.50'
 */
export function toDecimal(value: Fraction, digits: number): string {
  const { sign, whole, decimals } = decimalDigits(value, digits);
  return `${sign}${whole}${decimals}`;
}

/**
 * `value` to `digits` decimals, half-even, for a person.
 *
 * @example
 * readDecimal(fraction(-12_345n, 2n), 2) // => '−6 172.50'
 */
export function readDecimal(value: Fraction, digits: number): string {
  const { sign, whole, decimals } = decimalDigits(value, digits);
  return `${sign === "" ? "" : MINUS}${groupThousands(whole)}${decimals}`;
}
