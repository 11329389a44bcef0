import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCsv } from "../../test/csv-parser.js";
import { type Cell, csvCell, csvRow } from "./cell.js";

describe("csvCell", () => {
  it.each<[Cell, string]>([
    [undefined, ""],
    ["", '""'],
    ["tick", "tick"],
    [" tick ", " tick "],
    ["a,b", '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ["two\nlines", '"two\nlines"'],
    ["two\r\nlines", '"two\r\nlines"'],
    ["=1+1", "'=1+1"],
    ["+1", "'+1"],
    ["-1", "'-1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\t=1", "'\t=1"],
    ['=HYPERLINK("x")', '"\'=HYPERLINK(""x"")"'],
    ["'quoted", "''quoted"],
    ["a=b", "a=b"],
    [-1n, "-1"],
    [2n ** 64n - 1n, "18446744073709551615"],
    [-31, "-31"],
    [0, "0"],
  ])("writes %o as %o", (cell, text) => {
    expect(csvCell(cell)).toBe(text);
  });
});

describe("csvRow", () => {
  it("is read back by RFC 4180, a quote that keeps text from being a formula taken away", () => {
    const texts = fc.array(fc.string({ unit: fc.constantFrom(..."=+-@'\t\r\n\",x") }), { minLength: 1 });
    fc.assert(
      fc.property(texts, (cells) => {
        const [row = [], ...more] = parseCsv(csvRow(cells));
        expect(more).toEqual([]);
        for (const field of row) expect(field).not.toMatch(/^[=+\-@]/);
        expect(row.map((field) => field.replace(/^'/, ""))).toEqual(cells);
      }),
    );
  });
});
