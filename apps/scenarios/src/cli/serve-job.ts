import type { MessagePort } from "node:worker_threads";
import { HrtimerLoopError } from "@chronovisor/hrtimer";
import { readDocument } from "../document/read-document.js";
import { ChronovisorError } from "../errors.js";
import { LivelockError } from "../machine/engine.js";
import { runScenario } from "../scenario/run-scenario.js";
import type { Progress, ScenarioDefinition } from "../scenario/types.js";
import type { RunJob } from "./run-job.js";
import type { WorkerMessage } from "./worker-messages.js";

/** Messages more often than a screen is redrawn only cost the run time. */
const PROGRESS_INTERVAL_MS = 50;

/** What the caller asked for cannot be run: wrong values, or a guest or timer that never lets time pass. */
function isRefusal(error: unknown): error is Error {
  return (
    error instanceof ChronovisorError || error instanceof LivelockError || error instanceof HrtimerLoopError
  );
}

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

/** Runs one job and posts how it goes: the body of a worker thread. */
export function serveJob(scenarios: readonly ScenarioDefinition[], job: RunJob, port: MessagePort): void {
  const post = (message: WorkerMessage): void => port.postMessage(message);
  let postedAt = performance.now();
  const onProgress = (progress: Progress): void => {
    const now = performance.now();
    if (now - postedAt < PROGRESS_INTERVAL_MS) return;
    postedAt = now;
    post({ type: "progress", progress });
  };
  try {
    const { kernel, params, seed, mode } = job;
    const result = runScenario(definitionFor(job, scenarios), {
      kernel,
      params,
      seed,
      hooks: { onProgress, stepped: mode === "stepped" },
    });
    post({ type: "result", result });
  } catch (error) {
    if (isRefusal(error)) post({ type: "refused", message: error.message });
    else if (error instanceof Error) {
      post({ type: "crashed", message: error.message, stack: error.stack ?? error.message });
    } else post({ type: "crashed", message: String(error), stack: String(error) });
  }
}
