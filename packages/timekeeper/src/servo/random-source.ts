import { checkU32 } from "../argument-checks.js";

/** Where chance comes from: a generator the caller has seeded. The same bits give the same run on every platform. */
export interface RandomSource {
  /** The next 32 random bits, 0 … 2^32−1. */
  nextU32(): number;
}

/**
 * How a one-way delay above the shortest is spread over 0 … `jitterNs`. `uniform`: every nanosecond alike. `triangular`: the
 * sum of two uniform halves, so that the middle is likeliest. Neither needs more than integers.
 */
export type JitterDistribution = "uniform" | "triangular";

/**
 * A delay in 0 … `jitterNs`, both ends included. Takes two draws of 32 bits (`triangular`: four); none when `jitterNs` is 0.
 */
export function drawDelayNs(
  random: RandomSource,
  distribution: JitterDistribution,
  jitterNs: bigint,
): bigint {
  if (jitterNs === 0n) return 0n;
  if (distribution === "uniform") return drawUpTo(random, jitterNs);
  const half = jitterNs / 2n;
  return drawUpTo(random, half) + drawUpTo(random, jitterNs - half);
}

/** 64 bits scaled by a multiplication: no rejected draws, so the number of draws is known, for a bias below 2^-64 · max. */
function drawUpTo(random: RandomSource, max: bigint): bigint {
  const high = draw(random);
  return (((high << 32n) | draw(random)) * (max + 1n)) >> 64n;
}

function draw(random: RandomSource): bigint {
  const bits = random.nextU32();
  checkU32("RandomSource", "nextU32()", bits);
  return BigInt(bits);
}
