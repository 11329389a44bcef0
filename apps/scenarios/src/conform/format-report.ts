import Table from "cli-table3";
import { type ConformReport, conforms, type FileReport } from "./report.js";

/** Longer values of a first failure are cut: the whole row is in the JSON report. */
const MAX_VALUE_LENGTH = 200;

/** Writes a report for a person: one aligned line per file, then first failures, then the verdict. */
export function formatReport(report: ConformReport, options: { readonly strict: boolean }): string {
  const failures = report.files.flatMap(formatFailure);
  return [formatTable(report.files), "", ...failures, formatVerdict(report, options), ""].join("\n");
}

function formatTable(files: readonly FileReport[]): string {
  const table = new Table({
    head: ["file", "rows", "passed", "failed", ""],
    colAligns: ["left", "right", "right", "right", "left"],
    chars: {
      top: "",
      "top-mid": "",
      "top-left": "",
      "top-right": "",
      bottom: "",
      "bottom-mid": "",
      "bottom-left": "",
      "bottom-right": "",
      left: "",
      "left-mid": "",
      mid: "",
      "mid-mid": "",
      right: "",
      "right-mid": "",
      middle: " ",
    },
    style: { head: [], border: [], "padding-left": 1, "padding-right": 0 },
  });
  for (const { area, file, rows, passed, failed, covered } of files) {
    const name = `${area}/${file}`;
    table.push(
      covered
        ? [name, rows, passed, failed, failed === 0 ? "" : "FAILED"]
        : [name, rows, "-", "-", "not covered"],
    );
  }
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

function formatFailure({ area, file, firstFailure }: FileReport): readonly string[] {
  if (firstFailure === null) return [];
  return [
    ` ${area}/${file}:${firstFailure.line}`,
    `   expected ${formatValue(firstFailure.expected)}`,
    `   got      ${formatValue(firstFailure.got)}`,
    "",
  ];
}

function formatValue(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}

function formatVerdict(report: ConformReport, options: { readonly strict: boolean }): string {
  const covered = report.files.filter((file) => file.covered);
  const uncovered = report.files.length - covered.length;
  const verdict = conforms(report, options) ? "conforms" : "does not conform";
  const failed = sum(covered, "failed");
  const parts = [
    `${sum(covered, "passed")} rows passed and ${failed} failed in ${count(covered.length, "file")}`,
    ...(uncovered === 0
      ? []
      : [`${count(uncovered, "file")} not covered${options.strict ? " (--strict)" : ""}`]),
  ];
  return ` ${verdict}: ${parts.join(", ")}`;
}

function sum(files: readonly FileReport[], column: "passed" | "failed"): number {
  return files.reduce((total, file) => total + file[column], 0);
}

function count(many: number, noun: string): string {
  return `${many} ${noun}${many === 1 ? "" : "s"}`;
}
