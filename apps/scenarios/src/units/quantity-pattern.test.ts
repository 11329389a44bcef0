import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NumericUnit } from "./dimensions.js";
import { formatInput } from "./format-exact.js";
import { quantityPattern } from "./quantity-pattern.js";

const UNITS: readonly NumericUnit[] = ["ns", "ps", "cycles", "Hz", "kHz", "ppb", "count"];

describe("quantityPattern", () => {
  it.each<[NumericUnit, string, boolean]>([
    ["ns", "10ms", true],
    ["ns", " -1.5 h ", true],
    ["ns", "10", true],
    ["ns", "2.5GHz", false],
    ["ns", "0x10", false],
    ["kHz", "2.5GHz", true],
    ["ppb", "\u221250ppm", true],
    ["ppb", "50%", false],
    ["cycles", "0x1000", true],
    ["cycles", "1_000_000", true],
    ["count", "1__0", false],
    ["count", "ten", false],
    ["count", "", false],
  ])("of %s takes %j: %s", (unit, text, taken) => {
    expect(new RegExp(quantityPattern(unit), "u").test(text)).toBe(taken);
  });

  it("takes whatever a value is printed as for typing", () => {
    fc.assert(
      fc.property(fc.constantFrom(...UNITS), fc.bigInt(-(10n ** 24n), 10n ** 24n), (unit, value) => {
        expect(formatInput(value, unit)).toMatch(new RegExp(quantityPattern(unit), "u"));
      }),
    );
  });
});
