import { describe, expect, it } from "vitest";
import { formatReport } from "./format-report.js";
import type { FileReport } from "./report.js";

const passing: FileReport = {
  area: "math",
  file: "mul.jsonl",
  rows: 1200,
  passed: 1200,
  failed: 0,
  covered: true,
  firstFailure: null,
};

describe("formatReport", () => {
  it("aligns one line per file and ends with the verdict", () => {
    expect(formatReport({ files: [passing] }, { strict: true }).split("\n")).toEqual([
      " file            rows  passed  failed",
      " math/mul.jsonl  1200    1200       0",
      "",
      " conforms: 1200 rows passed and 0 failed in 1 file",
      "",
    ]);
  });

  it("shows the first failing row of a file under the table", () => {
    const failing: FileReport = {
      ...passing,
      passed: 1199,
      failed: 1,
      firstFailure: { line: 7, row: {}, expected: { result: "4" }, got: { result: "3" } },
    };
    expect(formatReport({ files: [failing] }, { strict: false }).split("\n")).toEqual([
      " file            rows  passed  failed",
      " math/mul.jsonl  1200    1199       1  FAILED",
      "",
      " math/mul.jsonl:7",
      '   expected {"result":"4"}',
      '   got      {"result":"3"}',
      "",
      " does not conform: 1199 rows passed and 1 failed in 1 file",
      "",
    ]);
  });

  it("cuts a long value, as the JSON report has it whole", () => {
    const failing: FileReport = {
      ...passing,
      failed: 1,
      firstFailure: { line: 1, row: {}, expected: "no error", got: "x".repeat(1000) },
    };
    const got = formatReport({ files: [failing] }, { strict: false })
      .split("\n")
      .find((line) => line.includes("got "));
    expect(got).toBe(`   got      ${"x".repeat(200)}…`);
  });
});
