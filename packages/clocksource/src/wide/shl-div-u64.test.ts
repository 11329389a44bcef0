import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shlDivU64 } from "../index.js";

const U64_MAX = 2n ** 64n - 1n;

describe("shlDivU64", () => {
  it.each([
    ["divides a 127-bit dividend", U64_MAX, 63, U64_MAX, 2n ** 63n],
    ["gives the largest quotient that fits", U64_MAX, 1, 2n, U64_MAX],
    ["refuses one bit more", 2n ** 63n, 1, 1n, undefined],
    ["refuses a zero divisor instead of trapping", 1n, 1, 0n, undefined],
    ["floors", 7n, 1, 3n, 4n],
  ])("%s", (_title, a, shift, divisor, expected) => {
    expect(shlDivU64(a, shift, divisor)).toBe(expected);
  });

  it("either brackets the quotient or has none that fits", () => {
    const u64 = fc.bigInt({ min: 0n, max: U64_MAX });
    fc.assert(
      fc.property(u64, fc.integer({ min: 1, max: 63 }), fc.bigInt({ min: 1n, max: U64_MAX }), (a, s, d) => {
        const dividend = a * 2n ** BigInt(s);
        const q = shlDivU64(a, s, d);
        if (q === undefined) expect(dividend >= d * 2n ** 64n).toBe(true);
        else expect(q * d <= dividend && dividend < (q + 1n) * d).toBe(true);
      }),
    );
  });
});
