/** The kernel's formula, in plain BigInt. */
export function pvScaled(delta: bigint, mul: number, shift: number): bigint {
  const shifted = shift < 0 ? delta >> BigInt(-shift) : BigInt.asUintN(64, delta << BigInt(shift));
  return (shifted * BigInt(mul)) >> 32n;
}
