/** Index of the highest set bit of a u64; −1 for 0. */
export function ilog2(value: bigint): number {
  const high = Number(value >> 32n);
  return high === 0 ? 31 - Math.clz32(Number(value)) : 63 - Math.clz32(high);
}
