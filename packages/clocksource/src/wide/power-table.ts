/**
 * 2^0 … 2^63. V8 never lowers a BigInt shift by a variable count (30 to 55 ns); a multiplication by a power of two read
 * from a typed array is lowered (1 ns), so hot code shifts by multiplying.
 */
export const POW2: BigUint64Array = /* @__PURE__ */ BigUint64Array.from(
  { length: 64 },
  (_, n) => 1n << BigInt(n),
);
