import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ChronovisorError } from "../errors.js";
import type { NumericUnit } from "./dimensions.js";
import { formatInput } from "./format-exact.js";
import { parseQuantity } from "./parse-quantity.js";

const units: readonly NumericUnit[] = ["ns", "ps", "cycles", "Hz", "kHz", "ppb", "count"];

describe("parseQuantity reads what a person types, exactly", () => {
  it.each<[string, NumericUnit, bigint]>([
    ["1ms", "ns", 1_000_000n],
    ["1.5ms", "ns", 1_500_000n],
    ["250us", "ns", 250_000n],
    ["250\u00b5s", "ns", 250_000n],
    ["250\u03bcs", "ns", 250_000n],
    ["1h", "ns", 3_600_000_000_000n],
    ["10m", "ns", 600_000_000_000n],
    ["10min", "ns", 600_000_000_000n],
    ["3d", "ns", 259_200_000_000_000n],
    ["90s", "ns", 90_000_000_000n],
    ["0.001us", "ns", 1n],
    ["0.5ns", "ps", 500n],
    ["2000ps", "ns", 2n],
    ["1 ms", "ns", 1_000_000n],
    ["0", "ns", 0n],
    ["-3s", "ns", -3_000_000_000n],
    ["\u22123 s", "ns", -3_000_000_000n],
    ["1500", "ns", 1500n],
    ["1500", "ps", 1500n],
    ["2.5GHz", "kHz", 2_500_000n],
    ["2.5GHz", "Hz", 2_500_000_000n],
    ["2500000kHz", "kHz", 2_500_000n],
    ["2500000", "kHz", 2_500_000n],
    ["-50ppm", "ppb", -50_000n],
    ["+50ppm", "ppb", 50_000n],
    ["0.5ppm", "ppb", 500n],
    ["10ppb", "ppb", 10n],
    ["1_000_000", "count", 1_000_000n],
    ["0xffffffffffffffff", "count", 2n ** 64n - 1n],
    ["0x3e8", "cycles", 1000n],
    ["1000cycles", "cycles", 1000n],
    ["2.0", "count", 2n],
  ])("%s in %s", (text, unit, value) => {
    expect(parseQuantity(text, unit)).toBe(value);
  });

  it("does not go through floating point", () => {
    // 9007199254.740993 s is 2^53 + 1 µs: a double would lose the last digit.
    expect(parseQuantity("9007199254.740993s", "ns")).toBe(9_007_199_254_740_993_000n);
  });

  it("gives back any value from what formatInput prints", () => {
    const values = fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n });
    // Multiples of powers of ten reach the larger scales, which uniform integers almost never do.
    const round = fc
      .tuple(fc.bigInt({ min: -9999n, max: 9999n }), fc.integer({ min: 0, max: 18 }))
      .map(([digits, zeros]) => digits * 10n ** BigInt(zeros));
    const minutes = fc.bigInt({ min: 0n, max: 100_000n }).map((count) => count * 60_000_000_000n);
    fc.assert(
      fc.property(fc.oneof(values, round, minutes), fc.constantFrom(...units), (value, unit) => {
        expect(parseQuantity(formatInput(value, unit), unit)).toBe(value);
      }),
    );
  });
});

describe("parseQuantity refuses what it cannot represent", () => {
  it.each<[string, NumericUnit, string]>([
    ["3parsecs", "ns", 'expected a time such as 10m, 1h or 250us, got "3parsecs"'],
    ["", "ns", 'expected a time such as 10m, 1h or 250us, got ""'],
    ["ms", "ns", 'expected a time such as 10m, 1h or 250us, got "ms"'],
    ["1GHz", "ns", 'expected a time such as 10m, 1h or 250us, got "1GHz"'],
    ["1MS", "ns", 'expected a time such as 10m, 1h or 250us, got "1MS"'],
    ["1e3s", "ns", 'expected a time such as 10m, 1h or 250us, got "1e3s"'],
    ["0x10", "ns", 'expected a time such as 10m, 1h or 250us, got "0x10"'],
    ["1__0s", "ns", 'expected a time such as 10m, 1h or 250us, got "1__0s"'],
    [".5s", "ns", 'expected a time such as 10m, 1h or 250us, got ".5s"'],
    ["0.5ns", "ns", "0.5ns is finer than 1 ns"],
    ["1.5", "ns", "1.5 is finer than 1 ns"],
    ["1ps", "ns", "1ps is finer than 1 ns"],
    ["1.0005kHz", "kHz", "1.0005kHz is finer than 1 kHz"],
    ["0.5ppb", "ppb", "0.5ppb is finer than 1 ppb"],
    ["5ms", "kHz", 'expected a frequency such as 2.5GHz, 250MHz or 2500000kHz, got "5ms"'],
    ["5ms", "ppb", 'expected a rate such as 50ppm, -0.5ppm or 10ppb, got "5ms"'],
    ["1.5", "count", 'expected a whole number such as 1000, 1_000_000 or 0x1000, got "1.5"'],
    ["5ms", "count", 'expected a whole number such as 1000, 1_000_000 or 0x1000, got "5ms"'],
    ["0xg", "cycles", 'expected a number of cycles such as 1000, 1_000_000 or 0x1000, got "0xg"'],
  ])("%j in %s", (text, unit, message) => {
    expect(() => parseQuantity(text, unit)).toThrow(new ChronovisorError(message));
  });
});
