import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NumericUnit } from "./dimensions.js";
import { formatAlike } from "./format-alike.js";
import { parseQuantity } from "./parse-quantity.js";

describe("formatAlike", () => {
  it.each<[readonly bigint[], NumericUnit, string, readonly string[]]>([
    [[], "ns", "ns", []],
    [[5n], "ps", "ps", ["+5"]],
    [[0n, 0n], "ns", "ns", ["0", "0"]],
    [[3_243n, 3_237n, 7n, 0n, -1n], "ns", "µs", ["+3.243", "+3.237", "+0.007", "0.000", "−0.001"]],
    [[999n, -1_000n], "ns", "µs", ["+0.999", "−1.000"]],
    [[3_600_000_000_000n, -1_200_000n], "ns", "s", ["+3 600.0000", "−0.0012"]],
    [[30_000_000_000n, 20_000_000_000n], "ps", "ms", ["+30", "+20"]],
    [[21_610_806n, 2n], "count", "", ["+21 610 806", "+2"]],
    [[-345_754n], "cycles", "cycles", ["−345 754"]],
    [[400_000n, 1n], "ppb", "ppm", ["+400.000", "+0.001"]],
  ])("of %s in %s are in %s", (values, unit, symbol, texts) => {
    expect(formatAlike(values, unit)).toEqual({ symbol, texts });
  });

  it("are exact and of one length behind the point", () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), { minLength: 1 }),
        (values) => {
          const { symbol, texts } = formatAlike(values, "ns");
          expect(texts.map((text) => parseQuantity(`${text.replaceAll(" ", "")}${symbol}`, "ns"))).toEqual(
            values,
          );
          expect(new Set(texts.map((text) => text.split(".")[1]?.length)).size).toBe(1);
        },
      ),
    );
  });

  it("refuses what is no number", () => {
    expect(() => formatAlike([1n], "flag")).toThrow(
      new TypeError("formatAlike: expected a unit of numbers, got flag"),
    );
  });
});
