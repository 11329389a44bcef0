import * as fc from "fast-check";
import { expect, it } from "vitest";
import { fraction, minus, powerOfTwo, readDecimal, times, toDecimal } from "./fraction.js";

it.each([
  [6n, -4n, -3n, 2n],
  [0n, -7n, 0n, 1n],
  [-6n, -4n, 3n, 2n],
  [5n, 1n, 5n, 1n],
])("%d/%d is %d/%d in lowest terms", (a, b, numerator, denominator) => {
  expect(fraction(a, b)).toEqual({ numerator, denominator });
});

it("a denominator of 0 throws", () => {
  expect(() => fraction(1n, 0n)).toThrow(RangeError);
});

it.each([
  [1n, 3n, 6, "0.333333", "0.333333"],
  [-12_345n, 2n, 2, "-6172.50", "−6 172.50"],
  [1n, 2n, 0, "0", "0"],
  [3n, 2n, 0, "2", "2"],
  [-1n, 10_000_000n, 6, "0.000000", "0.000000"],
  [999_999_999n, 1_000_000_000n, 6, "1.000000", "1.000000"],
])("%d/%d to %d decimals is %s, read %s", (numerator, denominator, digits, text, read) => {
  const value = fraction(numerator, denominator);
  expect(toDecimal(value, digits)).toBe(text);
  expect(readDecimal(value, digits)).toBe(read);
});

it("2^e is exact on both sides of 0", () => {
  expect([powerOfTwo(3), powerOfTwo(0), powerOfTwo(-3)]).toEqual([
    fraction(8n),
    fraction(1n),
    fraction(1n, 8n),
  ]);
});

it("differences and products cross-multiply to the same integers", () => {
  const part = fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n });
  const below = fc.bigInt({ min: 1n, max: 2n ** 80n });
  fc.assert(
    fc.property(part, below, part, below, (a, b, c, d) => {
      const difference = minus(fraction(a, b), fraction(c, d));
      expect(difference.numerator * b * d).toBe((a * d - c * b) * difference.denominator);
      const product = times(fraction(a, b), fraction(c, d));
      expect(product.numerator * b * d).toBe(a * c * product.denominator);
    }),
  );
});
