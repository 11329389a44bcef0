/**
 * `numerator / denominator` to the nearest integer, ties to even, over all integers.
 *
 * @param denominator - positive
 * @example
 * divideHalfEven(-5n, 2n) // => -2n
 */
export function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  const truncated = numerator / denominator;
  const rest = numerator - truncated * denominator;
  const twice = rest < 0n ? -2n * rest : 2n * rest;
  const awayFromZero = twice > denominator || (twice === denominator && truncated % 2n !== 0n);
  if (!awayFromZero) return truncated;
  return numerator < 0n ? truncated - 1n : truncated + 1n;
}
