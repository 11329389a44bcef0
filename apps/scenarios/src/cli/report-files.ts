/** A report on disk: its page, and beside it the exact result of every story. */
import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ChronovisorError } from "../errors.js";
import { renderReport } from "../render/html/report.js";
import type { Story } from "../render/html/story.js";
import { comparisonToJson } from "../scenario/json.js";
import type { CliContext } from "./context.js";
import { fileFault } from "./file-fault.js";
import { writeFile } from "./write-file.js";

/** Where a report goes that is not told where to go. */
export const DEFAULT_DIRECTORY = "chronovisor-report";

const PAGE = "index.html";

/** A file of a report. */
interface ReportFile {
  /** In the report's directory. */
  readonly name: string;
  readonly text: string;
}

/** A report that was written. */
export interface WrittenReport {
  readonly page: string;
  /** The exact results by scenario: the bytes of `compare --json`. */
  readonly results: Readonly<Record<string, string>>;
}

/** The files of a report: the exact results, and last the page that links to them. */
function reportFiles(stories: readonly Story[]): readonly ReportFile[] {
  const results = stories.map(({ scenario: { id }, columns, resultFile }) => {
    const comparison = comparisonToJson(
      id,
      columns.map(({ result }) => result),
    );
    return { name: resultFile, text: `${JSON.stringify(comparison)}\n` };
  });
  return [...results, { name: PAGE, text: renderReport(stories) }];
}

/**
 * Checks before the first run that a report can be written at `directory`, and makes nothing yet: a run that is
 * interrupted leaves no trace.
 *
 * @throws ChronovisorError where there is a file, or a directory that may not be written to
 */
export function checkReportDirectory(directory: string): void {
  if (directory === "") throw new ChronovisorError('--out: expected a directory, got ""');
  try {
    let nearest = resolve(directory);
    while (statSync(nearest, { throwIfNoEntry: false }) === undefined && dirname(nearest) !== nearest) {
      nearest = dirname(nearest);
    }
    if (!statSync(nearest).isDirectory()) {
      throw new ChronovisorError(`${directory}: cannot be written: not a directory`);
    }
    accessSync(nearest, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw error instanceof ChronovisorError ? error : fileFault(directory, "written", error);
  }
}

/**
 * Writes the report on `stories`, each file whole or not at all. Other files in the directory stay as they are.
 *
 * @throws ChronovisorError where a file cannot be written
 */
export async function writeReport(
  context: CliContext,
  directory: string,
  stories: readonly Story[],
): Promise<WrittenReport> {
  await context.interruptible(async (signal) => {
    signal.throwIfAborted();
    try {
      mkdirSync(directory, { recursive: true });
    } catch (error) {
      throw fileFault(directory, "written", error);
    }
    for (const { name, text } of reportFiles(stories)) {
      await writeFile(join(directory, name), signal, (write) => write(text));
    }
  });
  return {
    page: join(directory, PAGE),
    results: Object.fromEntries(
      stories.map(({ scenario, resultFile }) => [scenario.id, join(directory, resultFile)]),
    ),
  };
}
