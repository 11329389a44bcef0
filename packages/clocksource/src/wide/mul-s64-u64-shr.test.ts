import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mulS64U64Shr } from "../index.js";

const s64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe("mulS64U64Shr", () => {
  it.each([
    ["truncates −1.5 toward zero, not down", -1n, 3n << 47n, 48, -1n],
    ["truncates −0.5 to 0", -1n, 1n, 1, 0n],
    ["scales the most negative offset", -(2n ** 63n), 2n ** 47n, 48, -(2n ** 62n)],
    ["leaves an offset alone at 1.0", -12345n, 2n ** 48n, 48, -12345n],
    ["drops the bits above 63 and may turn the sign", 2n ** 62n, 2n ** 49n, 48, -(2n ** 63n)],
  ])("%s", (_title, a, b, s, expected) => {
    expect(BigInt.asIntN(64, mulS64U64Shr(a, b, s))).toBe(expected);
  });

  it("equals BigInt division, which truncates toward zero too, mod 2^64", () => {
    fc.assert(
      fc.property(s64, u64, fc.integer({ min: 0, max: 127 }), (a, b, s) => {
        expect(mulS64U64Shr(a, b, s)).toBe(BigInt.asUintN(64, (a * b) / 2n ** BigInt(s)));
      }),
    );
  });
});
