import { readDocument } from "../document/read-document.js";
import { ChronovisorError } from "../errors.js";
import { exportRun, type PlayRun, recordRun } from "../export/export-run.js";
import { exportFormatNamed } from "../export/formats.js";
import type { TraceWindow, WrittenStretch } from "../export/trace-window.js";
import { runScenario } from "../scenario/run-scenario.js";
import type { Progress, RunHooks, RunResult, ScenarioDefinition } from "../scenario/types.js";
import { formatInput } from "../units/format-exact.js";
import { type FilePiece, FileWriter } from "./file-writer.js";
import type { ExportedFiles, ExportJob, ExportTarget, RunJob } from "./run-job.js";

/** The scenario of a job: a built-in one, or that of the document, which is read here again. */
export function definitionFor(
  { scenario, document }: RunJob,
  scenarios: readonly ScenarioDefinition[],
): ScenarioDefinition {
  if (document !== undefined) return readDocument(document.name, document.text, scenarios).scenario;
  const found = scenarios.find(({ id }) => id === scenario);
  if (found === undefined) throw new Error(`definitionFor: no scenario ${scenario}`);
  return found;
}

/** Carries a run out where it is called. */
export function carryOut(
  job: RunJob,
  scenarios: readonly ScenarioDefinition[],
  hooks: Pick<RunHooks, "onProgress" | "trace">,
): RunResult {
  const { kernel, params, seed, mode } = job;
  const stepped = mode === "stepped";
  return runScenario(definitionFor(job, scenarios), {
    kernel,
    params,
    seed,
    hooks: { ...hooks, stepped },
  });
}

/** Carries a run out where it is called, and writes its files. */
export function carryOutExport(
  job: ExportJob,
  scenarios: readonly ScenarioDefinition[],
  onProgress: (progress: Progress) => void,
): ExportedFiles {
  const { run, window, files } = job;
  const [first, ...others] = files;
  if (first === undefined) throw new Error("carryOutExport: expected a file, got none");
  const play = playOf(job, scenarios, onProgress);
  const lengthNs = definitionFor(run, scenarios).lengthNs(run.params as never);
  if (others.length === 0) {
    return writeInto(first, (write) => {
      const written = exportRun(first.format, play, write, first.options, window);
      checkReached(written.stretch, window, lengthNs);
      return written;
    });
  }
  const recorded = recordRun(play, window);
  checkReached(recorded.stretch, window, lengthNs);
  const written = files.map((file) =>
    writeInto(file, (write) => exportRun(file.format, recorded.play, write, file.options)),
  );
  return { head: recorded.head, stretch: recorded.stretch, bytes: written.flatMap(({ bytes }) => bytes) };
}

/** Carries a job's run out as often as it is called, with one bar for all of them. */
function playOf(
  { run, window, files }: ExportJob,
  scenarios: readonly ScenarioDefinition[],
  onProgress: (progress: Progress) => void,
): PlayRun<RunResult> {
  const [first] = files;
  // A head that names the series has the run carried out twice.
  const isTwice =
    files.length === 1 &&
    first !== undefined &&
    exportFormatNamed(first.format).head === "names series" &&
    first.options.series === undefined;
  const runs = isTwice ? 2n : 1n;
  let begun = 0n;
  return ({ trace }) => {
    const before = begun;
    begun += 1n;
    return carryOut(run, scenarios, {
      trace,
      onProgress: ({ simulatedNs, totalNs, ticks }) => {
        const whole = leastOf(totalNs, window.toNs);
        const done = leastOf(simulatedNs, whole) + whole * before;
        onProgress({ simulatedNs: done, totalNs: whole * runs, ticks });
      },
    });
  };
}

function writeInto(
  { path, name }: ExportTarget,
  produce: (write: (piece: FilePiece) => void) => Pick<ExportedFiles, "head" | "stretch">,
): ExportedFiles {
  const writer = new FileWriter(path, name);
  const { head, stretch } = writer.fill(produce);
  return { head, stretch, bytes: [writer.bytes] };
}

/** @throws ChronovisorError for a window that was to end beyond the run */
function checkReached({ toNs, ended }: WrittenStretch, window: TraceWindow, lengthNs: bigint): void {
  if (ended === "by the window" || window.toNs === undefined || window.toNs <= lengthNs) return;
  throw new ChronovisorError(
    `to: expected a time within the run, whose last event is at ${formatInput(toNs, "ns")}, got ${formatInput(window.toNs, "ns")}`,
  );
}

function leastOf(ns: bigint, limit: bigint | undefined): bigint {
  return limit !== undefined && limit < ns ? limit : ns;
}
