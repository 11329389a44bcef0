/**
 * The decimal digits of `value` with a space between groups of three, the sign in front.
 *
 * @example
 * groupThousands(-1234567n) // => '-1 234 567'
 */
export function groupThousands(value: bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, " ");
}
