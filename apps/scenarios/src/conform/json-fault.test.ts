import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonFaultColumn } from "./json-fault.js";

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe("jsonFaultColumn", () => {
  it.each([
    ["an empty line stops at its first column", "", 1],
    ["a missing value stops where it should be", '{"a":}', 6],
    ["a missing comma stops at the next member", '{"a":1 "b":2}', 8],
    ["a cut object stops past its last character", '{"a":1', 7],
    ["a cut string stops past its last character", '{"a":"12', 9],
    ["a second value stops at its start", "{} {}", 4],
    ["a leading zero stops at the digit after it", '{"a":012}', 7],
    ["a trailing comma stops at the bracket", "[1,]", 4],
    ["a bad escape stops at its backslash", '"a\\x"', 3],
    ["a bare word stops at its start", "nul", 1],
  ])("%s", (_title, line, column) => {
    expect(jsonFaultColumn(line)).toBe(column);
  });

  it.each([
    ["a deep array", "[".repeat(1_000_000), 1_000_001],
    ["a deep object", '{"a":'.repeat(200_000), 1_000_001],
    ["a long string", `{"a":"${"x".repeat(20_000_000)}`, 20_000_007],
  ])("%s does not exhaust the stack", (_title, line, column) => {
    expect(jsonFaultColumn(line)).toBe(column);
  });

  it("finds no fault in what JSON.stringify wrote", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(jsonFaultColumn(JSON.stringify(value))).toBeUndefined();
      }),
    );
  });

  it("agrees with JSON.parse about every damaged text", () => {
    const damaged = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom("", '"', "{", "}", "]", ",", ":", "\\", "0", "-", "e", " "))
      .map(([text, seed, patch]) => {
        const at = seed % (text.length + 1);
        return text.slice(0, at) + patch + text.slice(at + 1);
      });
    fc.assert(
      fc.property(damaged, (text) => {
        expect(jsonFaultColumn(text) === undefined).toBe(parses(text));
      }),
    );
  });
});
