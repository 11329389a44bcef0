import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mulU64U32Shr, mulU64U32ShrBatch, mulU64U32ShrInto } from "../index.js";

const U64_MAX = 2n ** 64n - 1n;
const U32_MAX = 2 ** 32 - 1;
const u64 = fc.bigInt({ min: 0n, max: U64_MAX });
const u32 = fc.integer({ min: 0, max: U32_MAX });
const shift = fc.integer({ min: 0, max: 127 });

const naive = (a: bigint, mul: number, s: number): bigint =>
  ((a * BigInt(mul)) / 2n ** BigInt(s)) % 2n ** 64n;

describe("mulU64U32Shr", () => {
  it.each([
    ["floors", 3n, 5, 1, 7n],
    ["keeps the low 64 bits at shift 0", U64_MAX, U32_MAX, 0, 0xffffffff00000001n],
    ["has all of the 96-bit product at shift 32", U64_MAX, U32_MAX, 32, 0xfffffffeffffffffn],
    ["passes from the near to the far kernel at shift 33", U64_MAX, U32_MAX, 33, 0x7fffffff7fffffffn],
    ["keeps the top bit at shift 95", U64_MAX, U32_MAX, 95, 1n],
    ["finds nothing above bit 95", U64_MAX, U32_MAX, 96, 0n],
    ["gives 0 for a zero factor", U64_MAX, 0, 0, 0n],
  ])("%s", (_title, a, mul, s, expected) => {
    expect(mulU64U32Shr(a, mul, s)).toBe(expected);
  });

  it("equals the quotient mod 2^64 for every product and shift", () => {
    fc.assert(fc.property(u64, u32, shift, (a, mul, s) => mulU64U32Shr(a, mul, s) === naive(a, mul, s)));
  });
});

describe("mulU64U32ShrInto and mulU64U32ShrBatch", () => {
  it("equal the single call", () => {
    fc.assert(
      fc.property(fc.array(u64, { minLength: 1 }), u32, shift, (values, mul, s) => {
        const expected = values.map((a) => naive(a, mul, s));
        const out = new BigUint64Array(values.length);
        mulU64U32ShrBatch(out, BigUint64Array.from(values), mul, s);
        expect([...out]).toEqual(expected);
        out.fill(0n);
        values.forEach((a, i) => {
          mulU64U32ShrInto(out, i, a, mul, s);
        });
        expect([...out]).toEqual(expected);
      }),
    );
  });
});
