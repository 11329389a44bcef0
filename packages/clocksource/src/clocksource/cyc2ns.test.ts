import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cyc2ns, cyc2nsBatch, cyc2nsInto } from "../index.js";

const U64_MAX = 2n ** 64n - 1n;
const u64 = fc.bigInt({ min: 0n, max: U64_MAX });
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const shift = fc.integer({ min: 0, max: 63 });

const naive = (cycles: bigint, mult: number, s: number): bigint =>
  ((cycles * BigInt(mult)) % 2n ** 64n) / 2n ** BigInt(s);

describe("cyc2ns", () => {
  it.each([
    ["converts a second of 2.5 GHz cycles", 2_500_000_000n, 6710886, 24, 999_999_940n],
    ["wraps the product before the shift", 2n ** 63n, 2, 1, 0n],
    ["reads a result of 2^63 as negative, which only shift 0 can give", 2n ** 63n, 1, 0, -(2n ** 63n)],
    ["shifts logically: the top bit moves down as a positive", 2n ** 63n, 1, 1, 2n ** 62n],
    ["leaves the top bit alone at shift 63", U64_MAX, 1, 63, 1n],
  ])("%s", (_title, cycles, mult, s, expected) => {
    expect(cyc2ns(cycles, mult, s)).toBe(expected);
  });

  it("equals the wrapped product floored, in all three forms; the slot forms keep the bits unsigned", () => {
    fc.assert(
      fc.property(fc.array(u64, { minLength: 1 }), u32, shift, (values, mult, s) => {
        const expected = values.map((cycles) => naive(cycles, mult, s));
        expect(values.map((cycles) => BigInt.asUintN(64, cyc2ns(cycles, mult, s)))).toEqual(expected);
        const out = new BigUint64Array(values.length);
        cyc2nsBatch(out, BigUint64Array.from(values), mult, s);
        expect([...out]).toEqual(expected);
        out.fill(0n);
        values.forEach((cycles, i) => {
          cyc2nsInto(out, i, cycles, mult, s);
        });
        expect([...out]).toEqual(expected);
      }),
    );
  });
});
