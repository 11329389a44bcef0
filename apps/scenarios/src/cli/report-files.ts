/** A report on disk: its page, and beside it the exact result of every story and what happened in its runs. */
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ChronovisorError } from "../errors.js";
import { stretchToJson } from "../export/trace-window.js";
import type { ExportLink, StoryExport } from "../render/html/export-table.js";
import { renderReport } from "../render/html/report.js";
import type { Story } from "../render/html/story.js";
import { comparisonToJson } from "../scenario/json.js";
import type { CliContext } from "./context.js";
import { fileFault } from "./file-fault.js";
import { writeExcerpts } from "./report-exports.js";
import type { ReportedStory } from "./report-stories.js";
import { writeFile } from "./write-file.js";

/** Where a report goes that is not told where to go. */
export const DEFAULT_DIRECTORY = "chronovisor-report";

const PAGE = "index.html";

const NOTHING: ReadonlyMap<ReportedStory, readonly StoryExport[]> = new Map();

/** A file of a report. */
interface ReportFile {
  /** In the report's directory. */
  readonly name: string;
  readonly text: string;
}

/** A report that was written. */
export interface WrittenReport {
  readonly page: string;
  /** The exact results by story: the bytes of `compare --json`. */
  readonly results: Readonly<Record<string, string>>;
  /** What happened in its runs, by story. */
  readonly exports: Readonly<Record<string, readonly StoryExport[]>>;
}

/** The files of a report that are text: the exact results, and last the page that links to them. */
function textFiles(stories: readonly Story[]): readonly ReportFile[] {
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
 * Writes the report on `stories`: its files come about in a directory of their own, inside `directory`, and take their places when all
 * are whole, the page last. Other files stay as they are; where anything fails, so do these, and a directory that was made is gone.
 *
 * @param events - so many events of each run are written beside the page, or 0.
 * @throws ChronovisorError where a file cannot be written
 */
export async function writeReport(
  context: CliContext,
  directory: string,
  stories: readonly ReportedStory[],
  events: number,
): Promise<WrittenReport> {
  return context.interruptible(async (signal) => {
    signal.throwIfAborted();
    const made = attempt(directory, () => makeDirectory(resolve(directory)));
    const staging = attempt(directory, () => mkdtempSync(join(directory, ".chronovisor-")));
    try {
      const where = { directory, staging, events };
      const exports = events === 0 ? NOTHING : await writeExcerpts(context, stories, where, signal);
      const told = stories.map(
        (reported): Story => ({ ...reported.story, exports: exports.get(reported) ?? [] }),
      );
      for (const { name, text } of textFiles(told)) {
        await writeFile(join(staging, name), signal, (write) => write(text));
      }
      moveInto(directory, staging);
      return writtenReport(directory, stories, told);
    } catch (error) {
      if (made !== undefined) rmSync(made, { recursive: true, force: true });
      throw error;
    } finally {
      rmSync(staging, { recursive: true, force: true });
    }
  });
}

/**
 * Makes a directory and those above it that are missing, and tells the first of them; undefined where it is there already. One by one:
 * in a file system that refuses a directory as if the one above it were missing, as /proc does, Node's `recursive` never ends.
 */
function makeDirectory(directory: string): string | undefined {
  if (statSync(directory, { throwIfNoEntry: false }) !== undefined) return undefined;
  const above = dirname(directory) === directory ? undefined : makeDirectory(dirname(directory));
  mkdirSync(directory);
  return above ?? directory;
}

/** Moves files to their places, the page last. */
function moveInto(directory: string, staging: string): void {
  const names = readdirSync(staging).sort((a, b) => Number(a === PAGE) - Number(b === PAGE));
  const blocked = names.find((name) =>
    statSync(join(directory, name), { throwIfNoEntry: false })?.isDirectory(),
  );
  if (blocked !== undefined) {
    throw new ChronovisorError(`${join(directory, blocked)}: cannot be written: is a directory`);
  }
  for (const name of names) {
    attempt(join(directory, name), () => renameSync(join(staging, name), join(directory, name)));
  }
}

function writtenReport(
  directory: string,
  reported: readonly ReportedStory[],
  stories: readonly Story[],
): WrittenReport {
  const byStory = <T>(of: (story: Story) => T): Readonly<Record<string, T>> =>
    Object.fromEntries(stories.map((story, i) => [reported[i]?.stem ?? "", of(story)]));
  return {
    page: join(directory, PAGE),
    results: byStory(({ resultFile }) => join(directory, resultFile)),
    exports: byStory(({ exports = [] }) => exports),
  };
}

/** A report that was written, JSON-safe: paths, sizes in bytes, and times in ns as decimal text. */
export function reportToJson({ page, results, exports }: WrittenReport): object {
  const directory = dirname(page);
  const file = ({ name, bytes }: ExportLink): object => ({ path: join(directory, name), bytes });
  const exportJson = ({ label, kernel, stretch, perfetto, log, series }: StoryExport): object => ({
    label,
    kernel,
    stretch: stretchToJson(stretch),
    perfetto: file(perfetto),
    ftrace: file(log),
    "csv-series": file(series),
  });
  return {
    page,
    results,
    exports: Object.fromEntries(Object.entries(exports).map(([stem, runs]) => [stem, runs.map(exportJson)])),
  };
}

function attempt<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw fileFault(path, "written", error);
  }
}
