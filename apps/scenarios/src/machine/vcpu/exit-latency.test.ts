import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../random/random.js";
import { longTailed } from "./exit-latency.js";

const sorted = (seed: number, longest: bigint, count: number): bigint[] => {
  const next = longTailed(seededRandom(seed), longest);
  return Array.from({ length: count }, next).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
};

describe("longTailed", () => {
  it("never leaves 0 … longest", () => {
    fc.assert(
      fc.property(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 40n }), (seed, longest) => {
        const draws = sorted(seed, longest, 50);
        expect((draws[0] ?? -1n) >= 0n && (draws[49] ?? longest + 1n) <= longest).toBe(true);
      }),
    );
  });

  // 20 000 draws: a quantile q is off by three standard deviations, 3 · sqrt(q(1 − q) / n), at most.
  it.each([
    [50, 62_000n, 4_000n],
    [90, 125_000n, 10_000n],
    [99, 500_000n, 110_000n],
  ])("has its %d-th percentile at %d of 1 000 000", (percent, expected, tolerance) => {
    const draws = sorted(1, 1_000_000n, 20_000);
    const got = draws[(draws.length * percent) / 100] ?? 0n;
    expect(got > expected - tolerance && got < expected + tolerance).toBe(true);
  });

  it("draws nothing where nothing varies", () => {
    expect(new Set(sorted(3, 0n, 10))).toEqual(new Set([0n]));
  });
});
