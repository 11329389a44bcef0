import type { TraceRun } from "@chronovisor/trace";
import type { DocumentText } from "../document/read-document.js";
import type { ExportOptions } from "../export/formats.js";
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
  /** A file to write the run into; undefined, and nothing is written. */
  readonly target?: ExportTarget;
}

/** Where a run is written, and how. */
export interface ExportTarget {
  /** One of `exportFormats`. */
  readonly format: string;
  /** A file that exists. */
  readonly path: string;
  /** What it is called in an error: the file that was asked for. */
  readonly name: string;
  readonly options: ExportOptions;
}

/** A file that was written. */
export interface ExportedFile {
  readonly head: TraceRun;
  readonly bytes: number;
}

export interface JobListeners {
  readonly onProgress: (progress: Progress) => void;
  /** Told when the file of a job that has a target is whole. */
  readonly onExported?: (file: ExportedFile) => void;
  /** Aborting ends the run; its promise rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

/** Carries a job out somewhere that leaves the caller responsive. */
export type JobRunner = (job: RunJob, listeners: JobListeners) => Promise<RunResult>;
