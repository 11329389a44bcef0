import type { TraceRun } from "@chronovisor/trace";
import type { DocumentText } from "../document/read-document.js";
import type { ExportOptions } from "../export/formats.js";
import type { TraceWindow, WrittenStretch } from "../export/trace-window.js";
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

/** A run to be written into files. */
export interface ExportJob {
  readonly run: RunJob;
  /** More than one file takes a window of few events: they are held, and written in each format. */
  readonly window: TraceWindow;
  readonly files: readonly ExportTarget[];
}

/** A file to be written. */
export interface ExportTarget {
  /** One of `exportFormats`. */
  readonly format: string;
  readonly options: ExportOptions;
  /** A file that exists. */
  readonly path: string;
  /** What it is called in an error: the file that was asked for. */
  readonly name: string;
}

/** A run that was written. */
export interface ExportedFiles {
  readonly head: TraceRun;
  readonly stretch: WrittenStretch;
  /** Bytes of each file. */
  readonly bytes: readonly number[];
}

export interface JobListeners {
  readonly onProgress: (progress: Progress) => void;
  /** Aborting ends the job; its promise rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

/** Carries a run out somewhere that leaves the caller responsive. */
export type JobRunner = (job: RunJob, listeners: JobListeners) => Promise<RunResult>;

/** Writes a run into files, likewise. */
export type JobExporter = (job: ExportJob, listeners: JobListeners) => Promise<ExportedFiles>;
