import * as fc from "fast-check";
import { expect, it } from "vitest";
import { hang, wrap, wrapHead } from "./wrap.js";

it.each<[string, number, string[]]>([
  ["", 10, []],
  ["one two three", 7, ["one two", "three"]],
  ["a longest-word b", 5, ["a", "longest-word", "b"]],
  ["ticks: 599 970 of 600 000", 16, ["ticks: 599 970", "of 600 000"]],
  ["wait 30.5 ms then", 9, ["wait", "30.5 ms", "then"]],
  ["2 500 000 kHz", 4, ["2 500 000 kHz"]],
])("wrap(%j, %i)", (text, width, lines) => {
  expect(wrap(text, width)).toEqual(lines);
});

it("keeps every word and no line longer than it must be", () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 30 });
  fc.assert(
    fc.property(words, fc.integer({ min: 8, max: 40 }), (parts, width) => {
      const lines = wrap(parts.join(" "), width);
      expect(lines.join(" ")).toBe(parts.join(" "));
      expect(lines.every((line) => line.length <= width)).toBe(true);
    }),
  );
});

it("hang prints its label once", () => {
  expect(hang("run", "one two three", 5, 12)).toEqual(["run  one two", "     three"]);
});

it.each<[string, number, string[]]>([
  ["before", 3, ["before"]],
  ["M0 uncompensated", 9, ["M0", "uncompensated"]],
  ["M2 rate-compensated", 10, ["M2 rate-", "compensated"]],
  ["M2 rate-compensated", 16, ["M2", "rate-compensated"]],
  ["M2 rate-compensated", 19, ["M2 rate-compensated"]],
  ["M4 re-checked", 10, ["M4", "re-checked"]],
  ["a b c", 3, ["a b", "c"]],
  ["v4.16 + 1", 9, ["v4.16 + 1"]],
])("wrapHead(%j, %i)", (text, width, lines) => {
  expect(wrapHead(text, width)).toEqual(lines);
});
