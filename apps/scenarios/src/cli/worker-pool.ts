import { Worker } from "node:worker_threads";
import { ChronovisorError } from "../errors.js";
import type { RunResult } from "../scenario/types.js";
import type { ExportedFiles, JobExporter, JobListeners, JobRunner } from "./run-job.js";
import type { WorkerMessage, WorkerTask } from "./worker-messages.js";

/**
 * Carries jobs out in worker threads. A run is one long computation: on the main thread it would hold up Ctrl-C and the progress line
 * until its end. A thread that is done waits for the next job, because its code is compiled by then: starting one costs as much as a
 * short run. A job that is aborted takes its thread with it; threads that wait do not keep the process.
 */
export class WorkerPool {
  readonly #entry: URL;
  readonly #waiting: Worker[] = [];

  /** @param entry - the built worker module */
  constructor(entry: URL) {
    this.#entry = entry;
  }

  readonly runner: JobRunner = async (job, listeners) =>
    (await this.#carryOut({ type: "run", job }, listeners)) as RunResult;

  readonly exporter: JobExporter = async (job, listeners) =>
    (await this.#carryOut({ type: "export", job }, listeners)) as ExportedFiles;

  #carryOut(task: WorkerTask, { onProgress, signal }: JobListeners): Promise<RunResult | ExportedFiles> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const worker = this.#waiting.pop() ?? new Worker(this.#entry);
      const leave = (): void => {
        signal.removeEventListener("abort", abort);
        for (const name of ["message", "error", "exit"]) worker.removeAllListeners(name);
      };
      const giveBack = (settle: () => void): void => {
        leave();
        worker.unref();
        this.#waiting.push(worker);
        settle();
      };
      const giveUp = (reason: unknown): void => {
        leave();
        // What it says of its end is of no interest any more, but nobody listening would make an error of it.
        worker.on("error", () => {});
        void worker.terminate();
        reject(reason);
      };
      const abort = (): void => giveUp(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      worker.on("message", (message: WorkerMessage) => {
        switch (message.type) {
          case "progress":
            return onProgress(message.progress);
          case "done":
            return giveBack(() => resolve(message.result));
          case "refused":
            return giveBack(() => reject(new ChronovisorError(message.message)));
          case "crashed": {
            const error = new Error(message.message);
            error.stack = message.stack;
            return giveUp(error);
          }
        }
      });
      worker.on("error", giveUp);
      worker.on("exit", (code) => giveUp(new Error(`the worker ended with code ${code}`)));
      worker.ref();
      worker.postMessage(task);
    });
  }
}
