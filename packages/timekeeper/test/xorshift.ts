import type { RandomSource } from "../src/index.js";

/** Marsaglia's xorshift32: enough chance for a test, and the same everywhere. */
export function xorshift32(seed: number): RandomSource {
  let x = seed >>> 0 || 1;
  return {
    nextU32() {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      x >>>= 0;
      return x;
    },
  };
}
