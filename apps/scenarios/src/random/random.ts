import { uniformBigInt } from "pure-rand/distribution/uniformBigInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** The one source of chance in a run: the same seed gives the same numbers on every platform. */
export interface Random {
  /** Next 32 random bits, 0 … 2^32−1. */
  nextU32(): number;
  /** A whole number from `low` to `high`, both included, all equally likely. */
  between(low: bigint, high: bigint): bigint;
}

/**
 * Random numbers from a seed (xoroshiro128+, whole numbers throughout).
 *
 * @param seed - 0 … 2^32−1.
 */
export function seededRandom(seed: number): Random {
  const generator = xoroshiro128plus(seed);
  return {
    nextU32: () => generator.next() >>> 0,
    between: (low, high) => uniformBigInt(generator, low, high),
  };
}
