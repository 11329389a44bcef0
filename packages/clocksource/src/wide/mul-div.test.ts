import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DivideError,
  mulU64U32Div,
  mulU64U32DivPortable,
  mulU64U64DivU64,
  mulU64U64DivU64Portable,
} from "../index.js";

const U64_MAX = 2n ** 64n - 1n;
const U32_MAX = 2 ** 32 - 1;
const u64 = fc.bigInt({ min: 0n, max: U64_MAX });
const u32 = fc.integer({ min: 0, max: U32_MAX });

describe("mulU64U32Div and its portable form", () => {
  it.each([
    ["a 2.4 to 2.5 GHz ratio", 2n ** 48n, 2_500_000, 2_400_000, 293203100740266n],
    ["the largest quotient that fits", U64_MAX, U32_MAX, U32_MAX, U64_MAX],
    ["a product over 64 bits whose quotient fits", U64_MAX, 2, 3, 12297829382473034410n],
  ])("agree on %s", (_title, a, mul, div, expected) => {
    expect(mulU64U32Div(a, mul, div)).toBe(expected);
    expect(mulU64U32DivPortable(a, mul, div)).toBe(expected);
  });

  it("part where the quotient leaves 64 bits: one traps, the other keeps the low 64", () => {
    expect(() => mulU64U32Div(2n ** 63n, 2, 1)).toThrow(DivideError);
    expect(mulU64U32DivPortable(2n ** 63n, 2, 1)).toBe(0n);
    expect(mulU64U32DivPortable(U64_MAX, 3, 2)).toBe(2n ** 63n - 2n);
  });

  it("both trap on a zero divisor", () => {
    expect(() => mulU64U32Div(1n, 1, 0)).toThrow(DivideError);
    expect(() => mulU64U32DivPortable(1n, 1, 0)).toThrow(DivideError);
  });

  it("bracket the exact quotient: q·d ≤ a·m < (q+1)·d", () => {
    fc.assert(
      fc.property(u64, u32, fc.integer({ min: 1, max: U32_MAX }), (a, m, d) => {
        fc.pre(a * BigInt(m) < BigInt(d) << 64n);
        const q = mulU64U32Div(a, m, d);
        expect(q * BigInt(d) <= a * BigInt(m) && a * BigInt(m) < (q + 1n) * BigInt(d)).toBe(true);
        expect(mulU64U32DivPortable(a, m, d)).toBe(q);
      }),
    );
  });
});

describe("mulU64U64DivU64 and its portable form", () => {
  it("part where the quotient leaves 64 bits: one traps, the other saturates", () => {
    expect(() => mulU64U64DivU64(2n ** 63n, 2n, 1n)).toThrow(DivideError);
    expect(mulU64U64DivU64Portable(2n ** 63n, 2n, 1n)).toBe(U64_MAX);
  });

  it("both trap on a zero divisor", () => {
    expect(() => mulU64U64DivU64(0n, 0n, 0n)).toThrow(DivideError);
    expect(() => mulU64U64DivU64Portable(0n, 0n, 0n)).toThrow(DivideError);
  });

  it("bracket the exact quotient: q·d ≤ a·m < (q+1)·d", () => {
    fc.assert(
      fc.property(u64, u64, fc.bigInt({ min: 1n, max: U64_MAX }), (a, m, d) => {
        const q = mulU64U64DivU64Portable(a, m, d);
        if (a * m >= d << 64n) {
          expect(q).toBe(U64_MAX);
          expect(() => mulU64U64DivU64(a, m, d)).toThrow(DivideError);
        } else {
          expect(q * d <= a * m && a * m < (q + 1n) * d).toBe(true);
          expect(mulU64U64DivU64(a, m, d)).toBe(q);
        }
      }),
    );
  });
});

describe("DivideError", () => {
  it("is a RangeError that carries its operands", () => {
    const error = new DivideError("divFrac", 5n, 0n);
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ name: "DivideError", dividend: 5n, divisor: 0n });
    expect(error.message).toBe("divFrac: expected a quotient that fits, got 5 / 0");
  });
});
