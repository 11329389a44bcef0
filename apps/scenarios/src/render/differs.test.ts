import { describe, expect, it } from "vitest";
import { digitsToTell, digitsToTellAll } from "./differs.js";

describe("digitsToTell", () => {
  it.each<[string, bigint | boolean | undefined, readonly (bigint | boolean | undefined)[], number]>([
    ["alike", 3_600_000_000_001n, [3_600_000_000_001n], 5],
    ["told apart as usual", 1_234_500n, [1_234_600n], 5],
    // 3 600 s and a ns: thirteen digits.
    ["a ns apart in an hour", 3_600_000_000_000n, [3_600_000_000_001n, undefined], 13],
    ["one of them far", 1_199_390n, [5n, 1_199_391n], 7],
    ["not measured", undefined, [1n], 5],
    ["no numbers", true, [false], 5],
  ])("of values that are %s", (_, first, others, digits) => {
    expect(digitsToTell(first, others, "ns")).toBe(digits);
  });
});

describe("digitsToTellAll", () => {
  it.each<[string, readonly (bigint | undefined)[], number]>([
    ["no values", [], 5],
    ["the last two alike but for a ns", [0n, undefined, 3_600_000_000_000n, 3_600_000_000_001n], 13],
    ["the first and the last alike", [3_600_000_000_000n, 0n, 3_600_000_000_000n], 5],
  ])("tells %s apart", (_, values, digits) => {
    expect(digitsToTellAll(values, "ns")).toBe(digits);
  });
});
