import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Unit } from "../scenario/types.js";
import { formatQuantity } from "./format-quantity.js";

describe("formatQuantity keeps five significant digits, half-even", () => {
  it.each<[bigint | string | boolean, Unit, string]>([
    [0n, "ns", "0 ns"],
    [51n, "ns", "51 ns"],
    [999n, "ns", "999 ns"],
    [1_000n, "ns", "1 µs"],
    [995_000n, "ns", "995 µs"],
    [30_001_499n, "ns", "30.001 ms"],
    [30_000_500n, "ns", "30 ms"],
    [30_001_500n, "ns", "30.002 ms"],
    [30_000_501n, "ns", "30.001 ms"],
    [-30_001_500n, "ns", "−30.002 ms"],
    [999_994_999n, "ns", "999.99 ms"],
    [999_995_000n, "ns", "1 s"],
    [12_345_678_000_000n, "ns", "12 346 s"],
    [1_234_550_000_000_000n, "ns", "1 234 600 s"],
    [1_234_450_000_000_000n, "ns", "1 234 400 s"],
    [1_500n, "ps", "1.5 ns"],
    [50_400n, "ps", "50.4 ns"],
    [2_500_000n, "kHz", "2.5 GHz"],
    [2_095_078_437n, "Hz", "2.0951 GHz"],
    [50_000n, "ppb", "50 ppm"],
    [-500n, "ppb", "−500 ppb"],
    [864_432_215n, "count", "864 432 215"],
    [-1_234n, "cycles", "−1 234 cycles"],
    [123_456_789n, "cycles", "123 456 789 cycles"],
    ["sw", "name", "sw"],
    [true, "flag", "yes"],
    [false, "flag", "no"],
  ])("%s in %s is %s", (value, unit, text) => {
    expect(formatQuantity(value, unit)).toBe(text);
  });

  it.each<[bigint, Unit, string]>([
    [640_320n, "ns", "+640.32 µs"],
    [-638_000n, "ns", "−638 µs"],
    [0n, "ns", "0 ns"],
    [83_333_000n, "ppb", "+83 333 ppm"],
    [-3n, "count", "−3"],
    [12n, "count", "+12"],
  ])("%s in %s with both signs is %s", (value, unit, text) => {
    expect(formatQuantity(value, unit, { signs: "both" })).toBe(text);
  });

  it.each<[bigint, Unit, string]>([
    [30_001_500n, "ns", "30 ms"],
    [1_234_567n, "ns", "1.23 ms"],
    [999_500n, "ns", "1 ms"],
    [-998_499n, "ns", "−998 µs"],
    [1_234_567n, "count", "1 234 567"],
  ])("%s in %s to three digits is %s", (value, unit, text) => {
    expect(formatQuantity(value, unit, { digits: 3 })).toBe(text);
  });

  it("never strays from the value by more than half a unit of its fifth digit", () => {
    const factor: Record<string, bigint> = { ns: 1n, µs: 1_000n, ms: 1_000_000n, s: 1_000_000_000n };
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), (value) => {
        const [, digits = "", symbol = ""] = /^([\d .]+) (\D+)$/.exec(formatQuantity(value, "ns")) ?? [];
        const [whole = "", fraction = ""] = digits.replaceAll(" ", "").split(".");
        const shown = (BigInt(whole + fraction) * (factor[symbol] ?? 0n)) / 10n ** BigInt(fraction.length);
        const error = shown > value ? shown - value : value - shown;
        expect(error * 20_000n).toBeLessThanOrEqual(value);
        expect((whole + fraction).replace(/^0+|0+$/g, "").length).toBeLessThanOrEqual(5);
      }),
    );
  });
});
