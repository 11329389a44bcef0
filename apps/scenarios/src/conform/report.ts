import type { Row } from "./replay.js";

/** The first row of a file that did not pass. */
export interface FirstFailure {
  /** Counts from 1. */
  readonly line: number;
  readonly row: Row;
  /** The columns that differ, as the file has them. */
  readonly expected: unknown;
  /** The same columns as the packages computed them, or the text of the error a package threw. */
  readonly got: unknown;
}

/** What became of one file. */
export interface FileReport {
  readonly area: string;
  /** The name on disk, with its `.jsonl`. */
  readonly file: string;
  /** Every line, set-up lines included. In a covered file it equals `passed + failed`. */
  readonly rows: number;
  /** 0 in a file that is not covered. */
  readonly passed: number;
  /** 0 in a file that is not covered. */
  readonly failed: number;
  /** False when no replay knows this area and file name. */
  readonly covered: boolean;
  readonly firstFailure: FirstFailure | null;
}

/** What `conform` found, files by area and then by name. JSON-safe: u64 are decimal strings. */
export interface ConformReport {
  readonly files: readonly FileReport[];
}

/**
 * Whether a report is good: nothing failed and, when `strict`, every file was covered.
 *
 * @param report - what `conform` returned
 * @param options - `strict` as of `--strict`
 * @example
 * const uncovered = { area: "moon", file: "phases.jsonl", rows: 2, passed: 0, failed: 0, covered: false, firstFailure: null };
 * conforms({ files: [uncovered] }, { strict: false }) // => true
 * conforms({ files: [uncovered] }, { strict: true }) // => false
 */
export function conforms(report: ConformReport, options: { readonly strict: boolean }): boolean {
  return report.files.every((file) => file.failed === 0 && (file.covered || !options.strict));
}
