import { readDocument } from "../document/read-document.js";
import { exportRun } from "../export/export-run.js";
import { exportFormatNamed } from "../export/formats.js";
import { runScenario } from "../scenario/run-scenario.js";
import type { Progress, RunHooks, RunResult, ScenarioDefinition } from "../scenario/types.js";
import { FileWriter } from "./file-writer.js";
import type { ExportedFile, ExportTarget, JobListeners, RunJob } from "./run-job.js";

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

/** Runs a job where it is called, and writes the file it asks for. */
export function carryOut(
  job: RunJob,
  scenarios: readonly ScenarioDefinition[],
  { onProgress, onExported }: Pick<JobListeners, "onProgress" | "onExported">,
): RunResult {
  const { kernel, params, seed, mode, target } = job;
  const definition = definitionFor(job, scenarios);
  const run = (hooks: RunHooks): RunResult =>
    runScenario(definition, { kernel, params, seed, hooks: { ...hooks, stepped: mode === "stepped" } });
  if (target === undefined) return run({ onProgress });
  const { result, file } = exportInto(target, run, onProgress);
  onExported?.(file);
  return result;
}

function exportInto(
  { format, path, name, options }: ExportTarget,
  run: (hooks: RunHooks) => RunResult,
  onProgress: (progress: Progress) => void,
): { readonly result: RunResult; readonly file: ExportedFile } {
  // A head that names the series has the run carried out twice: one bar for both.
  const runs = exportFormatNamed(format).head === "names series" && options.series === undefined ? 2n : 1n;
  let done = -1n;
  const writer = new FileWriter(path, name);
  try {
    const { result, head } = exportRun(
      format,
      (hooks) => {
        done += 1n;
        const before = done;
        return run({
          ...hooks,
          onProgress: ({ simulatedNs, totalNs, ticks }) =>
            onProgress({ simulatedNs: simulatedNs + totalNs * before, totalNs: totalNs * runs, ticks }),
        });
      },
      (piece) => writer.write(piece),
      options,
    );
    writer.finish();
    return { result, file: { head, bytes: writer.bytes } };
  } catch (error) {
    writer.abandon();
    throw error;
  }
}
