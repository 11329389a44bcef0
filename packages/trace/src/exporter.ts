import type { TraceSink } from "./event-log.js";

/** What a trace is of: the same for every format, written at its head. */
export interface TraceRun {
  readonly scenario: string;
  /** `v6.12`, or with overrides: `v6.12 + tdcr=immediate`. */
  readonly kernel: string;
  /** Parameters as they would be typed, in order. */
  readonly params: Readonly<Record<string, string>>;
  readonly seed: number;
  /** The host's TSC: its actual frequency in Hz, and as the kernel calibrated it. */
  readonly tscHz: bigint;
  readonly tscKhz: number;
  readonly cpus: number;
  readonly vcpus: number;
}

/** Writes a run in some format, a piece at a time: memory does not grow with the run. */
export interface TraceExporter extends TraceSink {
  /** Writes what is still held back, and what the format ends with. No event may follow. */
  end(): void;
}

/** Where an exporter's text goes. */
export type WriteText = (text: string) => void;

/** Where an exporter's bytes go; the array is the writer's to keep. */
export type WriteBytes = (bytes: Uint8Array) => void;
