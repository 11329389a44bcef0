import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codeOf, nameOf, sectionText, stringValue, vectorValue } from "./vcd-text.js";

describe("codeOf", () => {
  it.each([
    [0, "!"],
    [1, '"'],
    [93, "~"],
    [94, "!!"],
    [95, '!"'],
    [188, '"!'],
    [94 + 94 * 94 - 1, "~~"],
    [94 + 94 * 94, "!!!"],
  ])("calls variable %i %s", (index, code) => {
    expect(codeOf(index)).toBe(code);
  });

  it("calls no two alike, and none longer than a later one", () => {
    const codes = Array.from({ length: 10_000 }, (_, index) => codeOf(index));
    expect(new Set(codes).size).toBe(10_000);
    for (const [i, code] of codes.entries())
      expect(code.length).toBeLessThanOrEqual(codes[i + 1]?.length ?? 3);
  });
});

describe("vectorValue", () => {
  it.each([
    [0n, 64, "b0"],
    [10n, 8, "b1010"],
    [-1n, 4, "b1111"],
    [2n ** 64n - 1n, 64, `b${"1".repeat(64)}`],
    [-(2n ** 63n), 64, `b1${"0".repeat(63)}`],
  ])("writes %s in %i bits as %s", (value, width, text) => {
    expect(vectorValue(value, width)).toBe(text);
  });
});

describe("stringValue", () => {
  it.each([
    ["HALTED", "HALTED"],
    ["two words", "two\\x20words"],
    ["a\\b\n\u007f", "a\\x5cb\\x0a\\x7f"],
    ["Grüße", "Grüße"],
    ["", ""],
  ])("writes %j as %j", (text, value) => {
    expect(stringValue(text)).toBe(value);
  });

  it("is one word, and read back by taking the escapes away", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const value = stringValue(text);
        expect(value).not.toMatch(/[ \t\n\r\v\f]/);
        const back = value.replace(/\\x(..)/g, (_, code: string) => String.fromCharCode(Number(`0x${code}`)));
        expect(back).toBe(text);
      }),
    );
  });
});

it("a name has no separators of a viewer's in it", () => {
  expect(nameOf("kvmclock.vcpu0 − true [ns]")).toBe("kvmclock_vcpu0___true__ns_");
});

it("a section is not closed by what it says", () => {
  expect(sectionText("a $end\nβ")).toBe("a _end??");
});
