import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mulU64U64Shr, mulU64U64ShrBatch, mulU64U64ShrInto } from "../index.js";

const U64_MAX = 2n ** 64n - 1n;
const u64 = fc.bigInt({ min: 0n, max: U64_MAX });
const shift = fc.integer({ min: 0, max: 127 });

/** By division: nothing of limbs or powers from a table. */
const naive = (a: bigint, b: bigint, s: number): bigint => ((a * b) / 2n ** BigInt(s)) % 2n ** 64n;

describe("mulU64U64Shr", () => {
  it.each([
    ["keeps the low 64 bits of the product at shift 0", U64_MAX, U64_MAX, 0, 1n],
    ["gives the high 64 bits at shift 64", U64_MAX, U64_MAX, 64, U64_MAX - 1n],
    ["drops a quotient's bits above 63", U64_MAX, U64_MAX, 32, 0xfffffffe00000000n],
    ["carries across every limb at shift 48", U64_MAX, U64_MAX, 48, 0xfffffffffffe0000n],
    ["reaches the top bit of the product at shift 127", 2n ** 63n, 2n ** 63n, 126, 1n],
    ["finds nothing above the product at shift 127", 2n ** 63n, 2n ** 63n, 127, 0n],
    ["is the identity by 2^48 at 48", 123456789n, 2n ** 48n, 48, 123456789n],
    ["is the identity by 2^32 at 32", U64_MAX, 2n ** 32n, 32, U64_MAX],
  ])("%s", (_title, a, b, s, expected) => {
    expect(mulU64U64Shr(a, b, s)).toBe(expected);
  });

  it("equals the quotient mod 2^64 for every product and shift", () => {
    fc.assert(fc.property(u64, u64, shift, (a, b, s) => mulU64U64Shr(a, b, s) === naive(a, b, s)));
  });

  it("equals it at every single shift", () => {
    for (let s = 0; s <= 127; s++) {
      fc.assert(
        fc.property(u64, u64, (a, b) => mulU64U64Shr(a, b, s) === naive(a, b, s)),
        { numRuns: 10 },
      );
    }
  });
});

describe("mulU64U64ShrInto", () => {
  it("writes the single call's result to the slot and nothing else", () => {
    fc.assert(
      fc.property(u64, u64, shift, (a, b, s) => {
        const out = BigUint64Array.of(7n, 7n, 7n);
        mulU64U64ShrInto(out, 1, a, b, s);
        expect(out).toEqual(BigUint64Array.of(7n, naive(a, b, s), 7n));
      }),
    );
  });

  it("takes its factors mod 2^64, as a C argument would", () => {
    const out = new BigUint64Array(1);
    mulU64U64ShrInto(out, 0, -1n, 2n ** 64n + 3n, 1);
    expect(out[0]).toBe(naive(U64_MAX, 3n, 1));
  });
});

describe("mulU64U64ShrBatch", () => {
  it.each([0, 1, 24, 31, 32, 33, 48, 63, 64, 65, 127])(
    "equals the single call element by element at %i",
    (s) => {
      fc.assert(
        fc.property(fc.array(u64), u64, (values, b) => {
          const input = BigUint64Array.from(values);
          const out = new BigUint64Array(input.length);
          mulU64U64ShrBatch(out, input, b, s);
          expect([...out]).toEqual(values.map((a) => naive(a, b, s)));
        }),
        { numRuns: 20 },
      );
    },
  );

  it("may write over its input, and leaves a longer output's rest alone", () => {
    const values = BigUint64Array.of(2n, 4n);
    mulU64U64ShrBatch(values, values, 3n, 1);
    expect(values).toEqual(BigUint64Array.of(3n, 6n));
    const out = BigUint64Array.of(9n, 9n, 9n);
    mulU64U64ShrBatch(out, values, 2n, 1);
    expect(out).toEqual(BigUint64Array.of(3n, 6n, 9n));
  });
});
