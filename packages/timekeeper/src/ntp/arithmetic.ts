/** Shifts right toward zero: a negative value gives the mirror image of its positive one. s64 in and out. */
export function shiftRight(value: bigint, shift: bigint): bigint {
  // The outer sign wraps nothing; the inner one wraps for −2^63 only, as the kernel's does.
  return value < 0n ? -(BigInt.asIntN(64, -value) >> shift) : value >> shift;
}

/** `value`, or the nearer end of `min` … `max`. */
export function clamp(value: bigint, min: bigint, max: bigint): bigint {
  if (value < min) return min;
  return value > max ? max : value;
}
