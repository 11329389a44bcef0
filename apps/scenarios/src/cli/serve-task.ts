import type { MessagePort } from "node:worker_threads";
import { HrtimerLoopError } from "@chronovisor/hrtimer";
import { ChronovisorError } from "../errors.js";
import { LivelockError } from "../machine/engine/engine.js";
import type { Progress, ScenarioDefinition } from "../scenario/types.js";
import { carryOut, carryOutExport } from "./carry-out.js";
import type { WorkerMessage, WorkerTask } from "./worker-messages.js";

/** Messages more often than a screen is redrawn only cost the run time. */
const PROGRESS_INTERVAL_MS = 50;

/** What the caller asked for cannot be run: wrong values, or a guest or timer that never lets time pass. */
function isRefusal(error: unknown): error is Error {
  return (
    error instanceof ChronovisorError || error instanceof LivelockError || error instanceof HrtimerLoopError
  );
}

/** Carries one task out and posts how it goes: what a worker thread does each time it is told. */
export function serveTask(
  scenarios: readonly ScenarioDefinition[],
  task: WorkerTask,
  port: Pick<MessagePort, "postMessage">,
): void {
  const post = (message: WorkerMessage): void => port.postMessage(message);
  let postedAt = performance.now();
  const onProgress = (progress: Progress): void => {
    const now = performance.now();
    if (now - postedAt < PROGRESS_INTERVAL_MS) return;
    postedAt = now;
    post({ type: "progress", progress });
  };
  try {
    const result =
      task.type === "run"
        ? carryOut(task.job, scenarios, { onProgress })
        : carryOutExport(task.job, scenarios, onProgress);
    post({ type: "done", result });
  } catch (error) {
    if (isRefusal(error)) post({ type: "refused", message: error.message });
    else if (error instanceof Error) {
      post({ type: "crashed", message: error.message, stack: error.stack ?? error.message });
    } else post({ type: "crashed", message: String(error), stack: String(error) });
  }
}
