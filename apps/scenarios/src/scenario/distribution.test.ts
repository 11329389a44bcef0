import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bucketOf, distributionOf } from "./distribution.js";

const samplesOf = (min: bigint, max: bigint) => fc.array(fc.bigInt({ min, max }), { maxLength: 200 });
const wide = samplesOf(-(10n ** 15n), 10n ** 15n);
const close = samplesOf(-30n, 30n);
const some = fc.oneof(wide, close);

const count = (samples: readonly bigint[], counted: (sample: bigint) => boolean): bigint =>
  BigInt(samples.filter(counted).length);

describe("a bucket", () => {
  it.each<[bigint, bigint, bigint]>([
    [0n, 0n, 1n],
    [1n, 1n, 2n],
    [2n, 2n, 5n],
    [4n, 2n, 5n],
    [5n, 5n, 10n],
    [9n, 5n, 10n],
    [10n, 10n, 20n],
    [199n, 100n, 200n],
    [200n, 200n, 500n],
    [10n ** 18n - 1n, 5n * 10n ** 17n, 10n ** 18n],
    [-1n, -1n, 0n],
    [-2n, -2n, -1n],
    [-3n, -5n, -2n],
    [-5n, -5n, -2n],
    [-6n, -10n, -5n],
    [-10n, -10n, -5n],
    [-11n, -20n, -10n],
    [-1000n, -1000n, -500n],
    [-1001n, -2000n, -1000n],
  ])("of %d is %d to %d", (sample, from, to) => {
    expect(bucketOf(sample)).toEqual({ from, to });
  });

  it("holds its sample and has bounds of one digit 1, 2 or 5", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }), (sample) => {
        const { from, to } = bucketOf(sample);
        expect(from <= sample && sample < to).toBe(true);
        for (const bound of [from, to]) expect(bound.toString()).toMatch(/^(0|-?[125]0*)$/);
      }),
    );
  });

  it("ends where the next one begins", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }), (sample) => {
        const { from, to } = bucketOf(sample);
        expect(bucketOf(to).from).toBe(to);
        expect(bucketOf(from - 1n).to).toBe(from);
      }),
    );
  });
});

describe("a distribution", () => {
  it("counts every sample once, in buckets without gaps, from one with samples to one with samples", () => {
    fc.assert(
      fc.property(some, (samples) => {
        const { buckets, count: all } = distributionOf("d", "ns", samples);
        expect(all).toBe(BigInt(samples.length));
        for (const [index, { from, to, count: counted }] of buckets.entries()) {
          expect(counted).toBe(count(samples, (sample) => sample >= from && sample < to));
          if (index > 0) expect(buckets[index - 1]?.to).toBe(from);
        }
        expect(buckets.reduce((sum, bucket) => sum + bucket.count, 0n)).toBe(all);
        if (samples.length > 0) expect([buckets[0]?.count, buckets.at(-1)?.count]).not.toContain(0n);
      }),
    );
  });

  it("has quantiles that are samples: the smallest with that share at or below it", () => {
    fc.assert(
      fc.property(some, (samples) => {
        fc.pre(samples.length > 0);
        const { quantiles } = distributionOf("d", "ns", samples);
        if (quantiles === undefined) throw new Error("expected quantiles");
        const total = BigInt(samples.length);
        for (const [permille, quantile] of [
          [0n, quantiles.min],
          [500n, quantiles.p50],
          [900n, quantiles.p90],
          [990n, quantiles.p99],
          [999n, quantiles.p999],
          [1000n, quantiles.max],
        ] as const) {
          expect(samples).toContain(quantile);
          expect(count(samples, (sample) => sample <= quantile) * 1000n >= permille * total).toBe(true);
          const below = count(samples, (sample) => sample < quantile) * 1000n;
          expect(below === 0n || below < permille * total).toBe(true);
        }
        const sum = samples.reduce((all, sample) => all + sample, 0n);
        const error = 2n * (quantiles.mean * total - sum);
        expect(error <= total && -error <= total).toBe(true);
      }),
    );
  });

  it("does not depend on the order of the samples and leaves them as they were", () => {
    fc.assert(
      fc.property(some, (samples) => {
        const before = [...samples];
        const forwards = distributionOf("d", "ns", samples);
        expect(samples).toEqual(before);
        expect(distributionOf("d", "ns", [...samples].reverse())).toEqual(forwards);
      }),
    );
  });

  it("of a thousand has its nearest ranks at 500, 900, 990 and 999", () => {
    const samples = Array.from({ length: 1000 }, (_, index) => BigInt(index + 1));
    expect(distributionOf("d", "ns", samples).quantiles).toEqual({
      min: 1n,
      p50: 500n,
      p90: 900n,
      p99: 990n,
      p999: 999n,
      max: 1000n,
      // 500.5, and 500 is even.
      mean: 500n,
    });
  });

  it("without a sample has neither buckets nor quantiles", () => {
    expect(distributionOf("d", "ps", [])).toEqual({
      title: "d",
      unit: "ps",
      count: 0n,
      buckets: [],
      quantiles: undefined,
    });
  });
});
