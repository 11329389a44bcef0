/**
 * Samples counted in buckets that are as wide as what they hold: their bounds are 1, 2 and 5 times powers of ten, the same
 * below zero, and [0, 1) between. Three buckets a decade show a nanosecond and a second on one page, and two runs always
 * share their bounds, so that they can be laid side by side. Integers throughout.
 */
import { divideHalfEven } from "../units/divide-half-even.js";
import type { Bucket, Distribution, Quantiles, Unit } from "./types.js";

/** The largest of 1, 2, 5, 10, 20, 50, … that is at most `magnitude`, which is at least 1. */
function boundBelow(magnitude: bigint): bigint {
  const decade = 10n ** BigInt(magnitude.toString().length - 1);
  const lead = magnitude / decade;
  return (lead >= 5n ? 5n : lead >= 2n ? 2n : 1n) * decade;
}

/** The bound after `bound`, which is one of 1, 2, 5, 10, …: 1 → 2 → 5 → 10. */
function boundAfter(bound: bigint): bigint {
  return bound.toString().startsWith("2") ? (bound * 5n) / 2n : bound * 2n;
}

/** The bound before `bound`, which is one of 1, 2, 5, 10, …; before 1 comes 0. */
function boundBefore(bound: bigint): bigint {
  return bound.toString().startsWith("5") ? (bound * 2n) / 5n : bound / 2n;
}

/**
 * The bounds of the bucket that holds `sample`: `from ≤ sample < to`.
 *
 * @example
 * bucketOf(7n) // => { from: 5n, to: 10n }
 * bucketOf(-7n) // => { from: -10n, to: -5n }
 */
export function bucketOf(sample: bigint): Omit<Bucket, "count"> {
  if (sample === 0n) return { from: 0n, to: 1n };
  if (sample > 0n) {
    const from = boundBelow(sample);
    return { from, to: boundAfter(from) };
  }
  // Mirrored, with the closed end still below: −5 begins the bucket that ends before −2.
  const below = boundBelow(-sample);
  const from = below === -sample ? below : boundAfter(below);
  return { from: -from, to: -boundBefore(from) };
}

/** Buckets without gaps over ascending `samples`. */
function bucketsOf(samples: readonly bigint[]): readonly Bucket[] {
  const buckets: Bucket[] = [];
  let at = 0;
  while (at < samples.length) {
    // An empty bucket begins where the last one ended, until the next sample is reached.
    const sample = samples[at] ?? 0n;
    const { from, to } = bucketOf(buckets.at(-1)?.to ?? sample);
    const before = at;
    while (at < samples.length && (samples[at] ?? to) < to) at++;
    buckets.push({ from, to, count: BigInt(at - before) });
  }
  return buckets;
}

function quantilesOf(samples: readonly bigint[]): Quantiles | undefined {
  const [min] = samples;
  const max = samples.at(-1);
  if (min === undefined || max === undefined) return undefined;
  const count = BigInt(samples.length);
  const rank = (permille: bigint): bigint => samples[Number((permille * count + 999n) / 1000n) - 1] ?? max;
  const sum = samples.reduce((total, sample) => total + sample, 0n);
  return {
    min,
    p50: rank(500n),
    p90: rank(900n),
    p99: rank(990n),
    p999: rank(999n),
    max,
    mean: divideHalfEven(sum, count),
  };
}

/**
 * The distribution of `samples`: 1-2-5 buckets, exact nearest-rank quantiles, and the mean rounded half-even.
 *
 * @param title - what the samples are
 * @param unit - what they are counted in
 * @param samples - in any order; negative ones too; none is a distribution without buckets and quantiles
 * @example
 * distributionOf("latency", "ns", [3n, 7n, 4n]).buckets // => [ { from: 2n, to: 5n, count: 2n }, { from: 5n, to: 10n, count: 1n } ]
 */
export function distributionOf(title: string, unit: Unit, samples: readonly bigint[]): Distribution {
  const ascending = [...samples].sort((x, y) => (x < y ? -1 : x > y ? 1 : 0));
  return {
    title,
    unit,
    count: BigInt(ascending.length),
    buckets: bucketsOf(ascending),
    quantiles: quantilesOf(ascending),
  };
}
