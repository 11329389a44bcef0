import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { getTimeScale } from "../index.js";

const NS = 1_000_000_000n;

describe("getTimeScale", () => {
  // docs/model/pvclock §4 and docs/model/lapic §0.
  it.each([
    [NS, 1_000_000_000n, 1, 0x80000000],
    [NS, 2_000_000_000n, 0, 0x80000000],
    [NS, 2_400_000_000n, -1, 3579139413],
    [NS, 2_500_000_000n, -1, 3435973836],
    [NS, 2_499_999_000n, -1, 3435975211],
    [NS, 2_499_999_999n, -1, 3435973839],
    [NS, 2_900_000_000n, -1, 2962046411],
    [NS, 4_000_000_000n, -1, 0x80000000],
    [NS, 1_999_999_000n, 0, 2147484721],
    [800_000_000n, NS, 0, 0xcccccccc],
    [2_095_078_000n, NS, 2, 0x8615c209],
    [2_500_000_000n, NS, 2, 2684354560],
    [2_999_998_000n, NS, 2, 0xbffff79c],
    [4_000_000_000n, NS, 3, 0x80000000],
    [1000n, NS, -19, 2252211481],
  ])("to %d Hz from %d Hz is shift %i, multiplier %i", (scaledHz, baseHz, shift, mul) => {
    expect(getTimeScale(scaledHz, baseHz)).toEqual({ mul, shift });
  });

  it("floors, and by less than 0.47 ppb for every frequency a guest may have", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000_000, max: 5_000_000 }), fc.boolean(), (khz, toCycles) => {
        const hz = BigInt(khz) * 1000n;
        const [scaled, base] = toCycles ? [hz, NS] : [NS, hz];
        const { mul, shift } = getTimeScale(scaled, base);
        expect(mul).toBeGreaterThanOrEqual(2 ** 31);
        // mul·2^shift / 2^32 against scaled/base, both times 2^64·base.
        const got = (BigInt(mul) << BigInt(32 + shift)) * base;
        const exact = scaled << 64n;
        expect(got <= exact && (exact - got) * 10n ** 11n < exact * 47n).toBe(true);
      }),
    );
  });

  it.each([
    ["scaledHz", 0n, 1n],
    ["baseHz", 1n, 0n],
    ["scaledHz", 2n ** 63n, 1n],
  ])("refuses a %s the kernel would loop on for ever", (name, scaled, base) => {
    expect(() => getTimeScale(scaled, base)).toThrow(new RegExp(`^getTimeScale: expected ${name} `));
  });

  it("ends for every other pair of 64-bit frequencies", () => {
    const hz = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).filter((value) => value !== 2n ** 63n);
    fc.assert(fc.property(hz, hz, (scaled, base) => Number.isInteger(getTimeScale(scaled, base).mul)));
  });
});
