/** The beginning of every run of a report, beside its page, in the formats that people open first. */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { ChronovisorError } from "../errors.js";
import type { StoryExport } from "../render/html/export-table.js";
import type { Progress } from "../scenario/types.js";
import type { CliContext } from "./context.js";
import { progressLine } from "./progress-line.js";
import type { ReportedStory } from "./report-stories.js";
import type { ExportedFiles, ExportTarget, RunJob } from "./run-job.js";
import { shellLine } from "./shell-words.js";
import { sideBySide } from "./side-by-side.js";

/** A run of a report. */
export interface ReportedRun {
  /** Over its column. */
  readonly label: string;
  readonly job: RunJob;
  /** What writes all of it, but for the format and the file. */
  readonly command: readonly string[];
}

/** So many events of each run are written, unless told otherwise: some seconds of one vCPU, a megabyte or two a file. */
export const DEFAULT_EVENTS = 20_000;
/** They are held while they are written. */
const MAX_EVENTS = 1_000_000;

/** Reads `--events`: none of them, or so many. */
export function parseEvents(text: string | undefined): number {
  if (text === undefined) return DEFAULT_EVENTS;
  const events = /^\d+(_\d+)*$/.test(text) ? Number(text.replaceAll("_", "")) : Number.NaN;
  if (events <= MAX_EVENTS) return events;
  throw new ChronovisorError(`--events: expected a whole number from 0 to ${MAX_EVENTS}, got "${text}"`);
}

/** What a run's files are called: after its story and its column. */
function fileStem({ stem, runs }: Pick<ReportedStory, "stem" | "runs">, place: number): string {
  const words = runs.map(({ label }) => label.replace(/[^\w.-]+/g, "-").replace(/^-|-$/g, ""));
  const word = words[place] ?? "";
  // Labels may differ in nothing but their signs.
  return words.indexOf(word) === place ? `${stem}.${word}` : `${stem}.${word}-${place + 1}`;
}

/** Files that a report is to have beside its page, of one run. */
interface Excerpt {
  readonly story: ReportedStory;
  readonly run: ReportedRun;
  readonly name: string;
}

/**
 * Writes the first events of every run of a report: a Perfetto trace, the kernel's log, and the series.
 *
 * @param directory - where, in the end.
 * @param staging - where until then.
 * @param events - so many of each run, at least 1.
 * @returns of each story, what was written
 */
export async function writeExcerpts(
  context: Pick<CliContext, "terminal" | "exporter" | "now">,
  stories: readonly ReportedStory[],
  {
    directory,
    staging,
    events,
  }: { readonly directory: string; readonly staging: string; readonly events: number },
  signal: AbortSignal,
): Promise<ReadonlyMap<ReportedStory, readonly StoryExport[]>> {
  const excerpts = stories.flatMap((story) =>
    story.runs.map((run, place): Excerpt => ({ story, run, name: fileStem(story, place) })),
  );
  const line = progressLine(context.terminal.progress, "exports", excerpts.length, context.now);
  try {
    const written = await sideBySide(excerpts, signal, async ({ run, name }, index, one) => {
      const target = (format: string, extension: string): ExportTarget => {
        const file = `${name}${extension}`;
        const path = join(staging, file);
        closeSync(openSync(path, "wx"));
        return { format, options: {}, path, name: join(directory, file) };
      };
      const files = [
        target("perfetto", ".pftrace"),
        target("ftrace", ".ftrace.txt"),
        target("csv-series", ".series.csv"),
      ];
      const onProgress = (progress: Progress): void => line.update(index, progress);
      return context.exporter({ run: run.job, window: { events }, files }, { signal: one, onProgress });
    });
    const exports = new Map<ReportedStory, StoryExport[]>(stories.map((story) => [story, []]));
    for (const [i, { story, run, name }] of excerpts.entries()) {
      const files = written[i];
      if (files !== undefined) exports.get(story)?.push(linksOf(run, name, files));
    }
    return exports;
  } finally {
    line.stop();
  }
}

function linksOf(
  { label, job, command }: ReportedRun,
  name: string,
  { stretch, bytes }: ExportedFiles,
): StoryExport {
  const [perfetto = 0, log = 0, series = 0] = bytes;
  return {
    label,
    kernel: job.kernel.name,
    stretch,
    perfetto: { name: `${name}.pftrace`, bytes: perfetto },
    log: { name: `${name}.ftrace.txt`, bytes: log },
    series: { name: `${name}.series.csv`, bytes: series },
    command: shellLine([...command, "--format", "perfetto", "--out", `${name}.whole.pftrace`]),
  };
}
