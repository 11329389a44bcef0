/**
 * Division of signed integers where truncation toward zero, which is what bigint's `/` does, is not what is meant.
 */

/** The size of a value without its sign. */
export function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** numerator / denominator to nearest, ties away from zero; the denominator is positive. */
export function divideToNearest(numerator: bigint, denominator: bigint): bigint {
  const half = denominator / 2n;
  return (numerator < 0n ? numerator - half : numerator + half) / denominator;
}

/** Quotient rounded down, and the remainder that goes with it, in 0 … denominator−1; the denominator is positive. */
export function divideDown(numerator: bigint, denominator: bigint): { quotient: bigint; remainder: bigint } {
  const remainder = ((numerator % denominator) + denominator) % denominator;
  return { quotient: (numerator - remainder) / denominator, remainder };
}
