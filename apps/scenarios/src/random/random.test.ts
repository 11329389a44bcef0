import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "./random.js";

const draws = (seed: number, count: number): number[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random.nextU32());
};

describe("seededRandom", () => {
  it("gives the numbers every platform gives for seed 1", () => {
    expect(draws(1, 4)).toEqual([1767835284, 655739896, 4177449456, 3207958569]);
  });

  it("repeats itself for a seed, and differs for another", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (a, b) => {
        expect(draws(a, 8)).toEqual(draws(a, 8));
        if (a !== b) expect(draws(a, 8)).not.toEqual(draws(b, 8));
      }),
    );
  });

  it("draws its first number anywhere, whatever small seeds it is given", () => {
    const sixteenths = Array.from({ length: 16 }, () => 0);
    for (let seed = 0; seed < 1_600; seed++) {
      const sixteenth = (draws(seed, 1)[0] ?? 0) >>> 28;
      sixteenths[sixteenth] = (sixteenths[sixteenth] ?? 0) + 1;
    }
    // 100 each, and five standard deviations of it.
    expect(sixteenths.every((count) => count > 52 && count < 148)).toBe(true);
  });

  it("stays within its bounds, and reaches both", () => {
    const random = seededRandom(7);
    const seen = new Set(Array.from({ length: 200 }, () => random.between(-2n, 2n)));
    expect([...seen].sort((a, b) => Number(a - b))).toEqual([-2n, -1n, 0n, 1n, 2n]);
  });

  it.each([-1, 0.5, 2 ** 32, Number.NaN])("refuses the seed %d", (seed) => {
    expect(() => seededRandom(seed)).toThrow(
      new RangeError(`seededRandom: expected a seed from 0 to 4294967295, got ${seed}`),
    );
  });
});
