import type { PayloadDialect } from "./conversions.js";
import type { Fields } from "./template.js";

/**
 * What a time of a log counts: ns that were printed to the microsecond or to the nanosecond, or cycles, where `trace_clock` is a
 * counter.
 */
export type TraceTextResolution = "us" | "ns" | "cycles";

/** Where and when a line of a log was written, and by whom. */
export interface TraceTextEnvelope {
  /** The thread's name as printed; it may have spaces in it: `CPU 5/KVM`. `trace-cmd report -l` prints eight characters. */
  readonly comm: string;
  /** The thread's id, which the kernel calls pid; 0 is a CPU's idle thread. */
  readonly pid: number;
  /** The process of the thread, where the log has it. */
  readonly tgid?: number;
  /** The physical CPU; `perf script` has it only where it was sampled. */
  readonly cpu?: number;
  /** ns of the log's clock whatever digits were printed, or cycles: `resolution` says which. */
  readonly time: bigint;
  readonly resolution: TraceTextResolution;
}

/** One event of a log. */
export interface TraceTextRecord extends TraceTextEnvelope {
  /** The line it is on, from 1. */
  readonly line: number;
  /** The tracepoint: `kvm_entry`. */
  readonly event: string;
  /** Whose format the payload has, where the two differ; `kernel` where they do not. */
  readonly dialect: PayloadDialect;
  /** What it says: numbers as `bigint`, by the names of the kernel's structure members in camel case. */
  readonly fields: Fields;
}
