import { Worker } from "node:worker_threads";
import { ChronovisorError } from "../errors.js";
import type { RunResult } from "../scenario/types.js";
import type { JobRunner } from "./run-job.js";
import type { WorkerMessage } from "./worker-messages.js";

/**
 * Runs each job in a worker thread of its own. A run is one long computation: on the main thread it would hold up
 * Ctrl-C and the progress line until its end.
 *
 * @param entry - the built worker module
 */
export function workerRunner(entry: URL): JobRunner {
  return (job, { onProgress, onExported, signal }) =>
    new Promise<RunResult>((resolve, reject) => {
      signal.throwIfAborted();
      const worker = new Worker(entry, { workerData: job });
      const abort = (): void => finish(() => reject(signal.reason));
      const finish = (settle: () => void): void => {
        signal.removeEventListener("abort", abort);
        settle();
        void worker.terminate();
      };
      signal.addEventListener("abort", abort, { once: true });
      worker.on("message", (message: WorkerMessage) => {
        switch (message.type) {
          case "progress":
            return onProgress(message.progress);
          case "exported":
            return onExported?.(message.file);
          case "result":
            return finish(() => resolve(message.result));
          case "refused":
            return finish(() => reject(new ChronovisorError(message.message)));
          case "crashed": {
            const error = new Error(message.message);
            error.stack = message.stack;
            return finish(() => reject(error));
          }
        }
      });
      worker.on("error", (error) => finish(() => reject(error)));
      worker.on("exit", (code) => finish(() => reject(new Error(`the worker ended with code ${code}`))));
    });
}
