import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pvScale, pvScaleBatch, pvScaleInto } from "../index.js";

const U64_MAX = 2n ** 64n - 1n;
const u64 = fc.bigInt({ min: 0n, max: U64_MAX });
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const shift = fc.integer({ min: -63, max: 63 });

/** By multiplication and division only. */
function naive(delta: bigint, mul: number, s: number): bigint {
  const shifted = s < 0 ? delta / 2n ** BigInt(-s) : (delta * 2n ** BigInt(s)) % 2n ** 64n;
  return (shifted * BigInt(mul)) / 2n ** 32n;
}

describe("pvScale", () => {
  it.each([
    ["floors one second of a 2.5 GHz counter", 2_500_000_000n, 3435973836, -1, 999_999_999n],
    ["makes guest cycles of a millisecond at 2.5 GHz", 1_000_000n, 2684354560, 2, 2_500_000n],
    ["gives an even counter value and the odd one after it one time", 1001n, 2 ** 31, -1, 250n],
    ["drops high bits of a left pre-shift", 2n ** 63n + 1n, 2 ** 31, 1, 1n],
    ["has nothing left after a right pre-shift by 63 but the top bit", U64_MAX, 2 ** 32 - 1, -63, 0n],
    ["goes from the near to the far kernel at −33", U64_MAX, 2 ** 31, -33, 2n ** 30n - 1n],
  ])("%s", (_title, delta, mul, s, expected) => {
    expect(pvScale(delta, mul, s)).toBe(expected);
  });

  it("maps an even counter value and its successor to one result at shift −1", () => {
    fc.assert(
      fc.property(u64, u32, (delta, mul) => {
        const even = delta & ~1n;
        expect(pvScale(even, mul, -1)).toBe(pvScale(even + 1n, mul, -1));
      }),
    );
  });

  it("equals shift, product and floor over the whole domain, in all three forms", () => {
    fc.assert(
      fc.property(fc.array(u64, { minLength: 1 }), u32, shift, (values, mul, s) => {
        const expected = values.map((delta) => naive(delta, mul, s));
        expect(values.map((delta) => pvScale(delta, mul, s))).toEqual(expected);
        const out = new BigUint64Array(values.length);
        pvScaleBatch(out, BigUint64Array.from(values), mul, s);
        expect([...out]).toEqual(expected);
        out.fill(0n);
        values.forEach((delta, i) => {
          pvScaleInto(out, i, delta, mul, s);
        });
        expect([...out]).toEqual(expected);
      }),
    );
  });
});
