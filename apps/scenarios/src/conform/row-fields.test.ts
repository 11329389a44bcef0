import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as fields from "./row-fields.js";

const { big, bool, compare, list, maybeBig, maybeNum, num, object, objects, oneOf, text } = fields;

describe("a reader of a column", () => {
  it.each([
    [
      "big reads a decimal string past 2^53",
      () => big({ a: "18446744073709551615" }, "a"),
      18446744073709551615n,
    ],
    ["big reads a negative decimal string", () => big({ a: "-1" }, "a"), -1n],
    ["big reads an exact JSON number", () => big({ a: 7 }, "a"), 7n],
    ["num reads a u32", () => num({ mul: 4294967295 }, "mul"), 4294967295],
    ["bool reads false", () => bool({ ok: false }, "ok"), false],
    ["text reads a string", () => text({ op: "read" }, "op"), "read"],
    ["oneOf reads an allowed string", () => oneOf({ v: "svm" }, "v", ["vmx", "svm"]), "svm"],
    ["maybeBig reads null as no result", () => maybeBig({ a: null }, "a"), undefined],
    ["maybeBig reads a value", () => maybeBig({ a: "5" }, "a"), 5n],
    ["maybeNum reads null as no result", () => maybeNum({ a: null }, "a"), undefined],
    ["maybeNum reads a value", () => maybeNum({ a: 5 }, "a"), 5],
    ["list reads an array", () => list({ ticks: [1] }, "ticks"), [1]],
    ["object reads an object", () => object({ base: { a: 1 } }, "base"), { a: 1 }],
    ["objects reads a list of them", () => objects({ reads: [{ a: 1 }, {}] }, "reads"), [{ a: 1 }, {}]],
  ])("%s", (_title, read, value) => {
    expect(read()).toEqual(value);
  });

  it.each([
    [
      "big refuses hexadecimal",
      () => big({ a: "0x10" }, "a"),
      'column "a": expected a decimal string, got "0x10"',
    ],
    [
      "big refuses a leading zero",
      () => big({ a: "007" }, "a"),
      'column "a": expected a decimal string, got "007"',
    ],
    [
      "big refuses an empty string",
      () => big({ a: "" }, "a"),
      'column "a": expected a decimal string, got ""',
    ],
    [
      "a long value is cut",
      () => big({ a: "x".repeat(1000) }, "a"),
      `column "a": expected a decimal string, got "${"x".repeat(59)}…`,
    ],
    ["num refuses a fraction", () => num({ a: 1.5 }, "a"), 'column "a": expected an integer, got 1.5'],
    ["num refuses a decimal string", () => num({ a: "1" }, "a"), 'column "a": expected an integer, got "1"'],
    ["bool refuses 1", () => bool({ a: 1 }, "a"), 'column "a": expected true or false, got 1'],
    [
      "objects refuses a member of another type",
      () => objects({ a: [{}, 1] }, "a"),
      'column "a": expected an object, got 1',
    ],
    ["text refuses null", () => text({ a: null }, "a"), 'column "a": expected a string, got null'],
    [
      "oneOf names what is allowed",
      () => oneOf({ v: "arm" }, "v", ["vmx", "svm"]),
      'column "v": expected one of vmx, svm, got "arm"',
    ],
    [
      "maybeBig refuses a missing column",
      () => maybeBig({}, "a"),
      'column "a" is missing (expected a decimal string)',
    ],
    [
      "maybeNum refuses a missing column",
      () => maybeNum({}, "a"),
      'column "a" is missing (expected an integer)',
    ],
    ["list refuses an object", () => list({ a: {} }, "a"), 'column "a": expected a list, got {}'],
    ["object refuses a list", () => object({ a: [] }, "a"), 'column "a": expected an object, got []'],
  ])("%s", (_title, read, message) => {
    expect(read).toThrow(expect.objectContaining({ name: "MalformedRow", message }));
  });
});

describe("compare", () => {
  it("passes integers that are equal in value, whatever carries them", () => {
    expect(compare({ a: "5", b: 5, c: 5n }, { a: 5n, b: 5n, c: 5 })).toBeUndefined();
  });

  it("passes undefined for null, in columns and in lists", () => {
    expect(compare({ a: null, b: [null, "1"] }, { a: undefined, b: [undefined, 1n] })).toBeUndefined();
  });

  it("tells the text of a number from a boolean or nothing", () => {
    expect(compare({ a: 1, b: 0 }, { a: true, b: null })).toEqual({
      expected: { a: 1, b: 0 },
      got: { a: true, b: null },
    });
  });

  it("returns only the columns that differ, JSON-safe", () => {
    expect(compare({ a: "1", b: ["2", "3"] }, { a: 1n, b: [2n, 4n] })).toEqual({
      expected: { b: ["2", "3"] },
      got: { b: ["2", "4"] },
    });
  });

  it("fails a column that only one side has", () => {
    expect(compare({ a: 1 }, {})).toEqual({ expected: { a: 1 }, got: { a: null } });
    expect(compare({}, { a: 1 })).toEqual({ expected: { a: null }, got: { a: 1 } });
  });

  it("compares objects by member, in any order", () => {
    expect(compare({ s: { x: 1, y: "2" } }, { s: { y: 2n, x: 1n } })).toBeUndefined();
    expect(compare({ s: { x: 1 } }, { s: { x: 2 } })).toEqual({
      expected: { s: { x: 1 } },
      got: { s: { x: 2 } },
    });
  });

  it("passes exactly the pairs of u64 that are equal", () => {
    const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(u64, fc.bigInt({ min: -2n, max: 2n }), (value, error) => {
        expect(compare({ a: value.toString() }, { a: value + error }) === undefined).toBe(error === 0n);
      }),
    );
  });
});
