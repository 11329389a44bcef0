import type { DocumentText } from "../document/read-document.js";
import type { KernelChoice } from "../kernels/kernels.js";
import type { Progress, RunResult } from "../scenario/types.js";

/** One run, as plain data that crosses to a worker thread. */
export interface RunJob {
  readonly scenario: string;
  readonly kernel: KernelChoice;
  /** Parsed, by name. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** The document whose own scenario it is; undefined for a built-in one. */
  readonly document?: DocumentText | undefined;
  readonly mode: "closed-form" | "stepped";
}

export interface JobListeners {
  readonly onProgress: (progress: Progress) => void;
  /** Aborting ends the run; its promise rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

/** Carries a job out somewhere that leaves the caller responsive. */
export type JobRunner = (job: RunJob, listeners: JobListeners) => Promise<RunResult>;
