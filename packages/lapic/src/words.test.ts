import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { highWord, lowWord, u32ToBigint } from "./words.js";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

describe("the halves of a 64-bit value", () => {
  it.each([
    [0n, 0, 0],
    [0xffff_ffffn, 0, 0xffff_ffff],
    [0x1_0000_0000n, 1, 0],
    [0x8000_0000_7fff_ffffn, 0x8000_0000, 0x7fff_ffff],
    [2n ** 64n - 1n, 0xffff_ffff, 0xffff_ffff],
  ])("%s is %d · 2^32 + %d", (value, high, low) => {
    expect([highWord(value), lowWord(value)]).toEqual([high, low]);
  });

  it("are those of arithmetic", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        expect(highWord(value)).toBe(Number(value / 2n ** 32n));
        expect(lowWord(value)).toBe(Number(value % 2n ** 32n));
      }),
    );
  });

  it("give a u32 back as it was, whatever was asked before", () => {
    fc.assert(
      fc.property(u32, u32, (value, other) => {
        expect(highWord(BigInt(other) << 32n)).toBe(other);
        expect(u32ToBigint(value)).toBe(BigInt(value));
        expect(lowWord(u32ToBigint(value))).toBe(value);
      }),
    );
  });
});
