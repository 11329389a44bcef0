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
 * Spreads a seed over 32 bits, one to one (the finalizer of MurmurHash3, public domain). The generator's first draws are
 * linear in its seed: those of seeds 1 and 2 would differ by parts in a million, and what a run draws once, such as the
 * phase of a tick, would be the same for every seed a person tries.
 */
function spread(seed: number): number {
  let hash = (seed + 0x9e37_79b9) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * Random numbers from a seed (xoroshiro128+, whole numbers throughout).
 *
 * @param seed - 0 … 2^32−1.
 * @throws RangeError for anything else.
 * @example
 * const random = seededRandom(1);
 * [random.between(1n, 6n), random.between(1n, 6n), random.between(1n, 6n)] // => [ 3n, 1n, 5n ]
 */
export function seededRandom(seed: number): Random {
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw new RangeError(`seededRandom: expected a seed from 0 to ${2 ** 32 - 1}, got ${seed}`);
  }
  const generator = xoroshiro128plus(spread(seed));
  return {
    nextU32: () => generator.next() >>> 0,
    between: (low, high) => uniformBigInt(generator, low, high),
  };
}
