import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mulU64U32AddU64Shr } from "../index.js";

const U64_MAX = 2n ** 64n - 1n;

describe("mulU64U32AddU64Shr", () => {
  it.each([
    ["carries the addend past 64 bits before the shift", U64_MAX, 1, U64_MAX, 1, U64_MAX],
    ["keeps the low 64 bits at shift 0", U64_MAX, 1, 1n, 0, 0n],
    ["reads nothing but the remainder for 0 cycles", 0n, 5, 1023n, 10, 0n],
    ["reaches one nanosecond with the remainder", 0n, 5, 1024n, 10, 1n],
  ])("%s", (_title, a, mul, addend, s, expected) => {
    expect(mulU64U32AddU64Shr(a, mul, addend, s)).toBe(expected);
  });

  it("equals the floored quotient mod 2^64", () => {
    const u64 = fc.bigInt({ min: 0n, max: U64_MAX });
    fc.assert(
      fc.property(
        u64,
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        u64,
        fc.integer({ min: 0, max: 127 }),
        (a, m, b, s) => {
          expect(mulU64U32AddU64Shr(a, m, b, s)).toBe(((a * BigInt(m) + b) / 2n ** BigInt(s)) % 2n ** 64n);
        },
      ),
    );
  });
});
