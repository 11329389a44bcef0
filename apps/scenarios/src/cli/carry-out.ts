import { readDocument } from "../document/read-document.js";
import { ChronovisorError } from "../errors.js";
import { exportRun, type PlayRun } from "../export/export-run.js";
import { exportFormatNamed } from "../export/formats.js";
import type { TraceWindow, WrittenStretch } from "../export/trace-window.js";
import { runScenario } from "../scenario/run-scenario.js";
import type { Progress, RunHooks, RunResult, ScenarioDefinition } from "../scenario/types.js";
import { formatInput } from "../units/format-exact.js";
import { FileWriter } from "./file-writer.js";
import type { ExportedFile, ExportJob, RunJob } from "./run-job.js";

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

/** Carries a run out where it is called, and writes its file. */
export function carryOutExport(
  { run, window, format, options, path, name }: ExportJob,
  scenarios: readonly ScenarioDefinition[],
  onProgress: (progress: Progress) => void,
): ExportedFile {
  // A head that names the series has the run carried out twice: one bar for both.
  const runs = exportFormatNamed(format).head === "names series" && options.series === undefined ? 2n : 1n;
  let begun = 0n;
  const play: PlayRun<RunResult> = ({ trace }) => {
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
  const writer = new FileWriter(path, name);
  const written = writer.fill((piece) => {
    const exported = exportRun(format, play, piece, options, window);
    checkReached(exported.stretch, window, definitionFor(run, scenarios).lengthNs(run.params as never));
    return exported;
  });
  return { head: written.head, stretch: written.stretch, bytes: writer.bytes };
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
