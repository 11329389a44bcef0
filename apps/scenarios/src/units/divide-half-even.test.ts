import * as fc from "fast-check";
import { expect, it } from "vitest";
import { divideHalfEven } from "./divide-half-even.js";

it.each<[bigint, bigint, bigint]>([
  [0n, 7n, 0n],
  [1n, 2n, 0n],
  [3n, 2n, 2n],
  [5n, 2n, 2n],
  [-1n, 2n, 0n],
  [-3n, 2n, -2n],
  [-5n, 2n, -2n],
  [-7n, 2n, -4n],
  [8n, 3n, 3n],
  [-8n, 3n, -3n],
  [7n, 3n, 2n],
  [-7n, 3n, -2n],
])("%d / %d is %d", (numerator, denominator, quotient) => {
  expect(divideHalfEven(numerator, denominator)).toBe(quotient);
});

it("is at most half away, and even when it is half", () => {
  fc.assert(
    fc.property(fc.bigInt(), fc.bigInt({ min: 1n, max: 2n ** 64n }), (numerator, denominator) => {
      const quotient = divideHalfEven(numerator, denominator);
      const error = 2n * (quotient * denominator - numerator);
      const magnitude = error < 0n ? -error : error;
      expect(magnitude <= denominator).toBe(true);
      if (magnitude === denominator) expect(quotient % 2n).toBe(0n);
    }),
  );
});
