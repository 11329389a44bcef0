import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DivideError, divFrac } from "../index.js";

const U32_MAX = 2 ** 32 - 1;

describe("divFrac", () => {
  it.each([
    [0, 1, 0],
    [1, 2, 2 ** 31],
    [1, 3, 1431655765],
    [U32_MAX - 1, U32_MAX, U32_MAX - 1],
  ])("turns %i / %i into 0.32 fixed point", (n, d, expected) => {
    expect(divFrac(n, d)).toBe(expected);
  });

  it.each([
    [1, 1],
    [2, 1],
    [0, 0],
  ])("traps on %i / %i, which is no proper fraction", (n, d) => {
    expect(() => divFrac(n, d)).toThrow(DivideError);
  });

  it("is the largest fraction not above the quotient", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: U32_MAX }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (d, x) => {
          const n = Math.min(Math.floor(x * d), d - 1);
          const f = BigInt(divFrac(n, d));
          expect(f * BigInt(d) <= BigInt(n) << 32n && BigInt(n) << 32n < (f + 1n) * BigInt(d)).toBe(true);
        },
      ),
    );
  });
});
