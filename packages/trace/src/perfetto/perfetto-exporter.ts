import type { TraceEvent } from "../events.js";
import type { TraceExporter, TraceRun, WriteBytes } from "../exporter.js";
import { TimelineLayout, type TimelineOptions } from "../timeline/layout.js";
import { PacketStream } from "./packet-stream.js";
import { PerfettoTimeline } from "./perfetto-timeline.js";

/**
 * Writes a run as a Perfetto trace (`.pftrace`), for ui.perfetto.dev and `trace_processor`: slices for what CPUs and vCPUs do, spans
 * for armed timers, arrows along each timer's way to the guest, counters, and every clock in the `clock_snapshot` table.
 *
 * Times are true ns since the start of the run, rounded down; the host TSC of an event is its annotation `hostTsc`, exact as every
 * 64-bit annotation is, in decimal text. Counters are exact in the file and doubles in a viewer.
 *
 * Bytes are handed on in pieces of some 64 KiB, which end where a packet does. What is held does not grow with the run: it is bounded by the
 * CPUs, the vCPUs, the timers armed at once, the names of counters and 4 096 texts of each sort per CPU and vCPU.
 *
 * Source: google/perfetto `protos/perfetto/trace` (docs/model/trace-formats §1).
 *
 * @example
 * import { hostTsc } from "@chronovisor/clocksource";
 * let length = 0;
 * const run = { scenario: "one tick", kernel: "v6.12", params: {}, seed: 1, tscHz: 2_500_000_000n, tscKhz: 2_500_000, cpus: 1, vcpus: 1 };
 * const exporter = new PerfettoExporter(run, (bytes) => { length += bytes.length; });
 * exporter.emit({ kind: "vcpu-state", at: hostTsc(0n), vcpu: 0, state: "guest" });
 * exporter.emit({ kind: "note", at: hostTsc(2_500_000n), vcpu: 0, text: "tick" });
 * exporter.end();
 * length // => 406
 */
export class PerfettoExporter implements TraceExporter {
  readonly #stream: PacketStream;
  readonly #layout: TimelineLayout;

  /**
   * @param run - what the trace is of: at least 1 CPU, at most 65 536 CPUs and vCPUs each.
   * @param write - is given the file's bytes, in order.
   * @param options - how often the clocks are read.
   * @throws RangeError for counts outside those, a frequency below 1 Hz, or a distance of snapshots below 1 ns.
   */
  constructor(run: TraceRun, write: WriteBytes, options: TimelineOptions = {}) {
    this.#stream = new PacketStream(write);
    this.#layout = new TimelineLayout(run, options, {
      createTimeline: () => new PerfettoTimeline(this.#stream, run, options.startNs ?? 0n),
      fnName: "PerfettoExporter",
    });
  }

  /**
   * Takes the next event of the run.
   *
   * @throws RangeError for an event after `end`, earlier than the one before it, of a CPU or vCPU that the run does not have, or with
   *   other clocks than the first reading's.
   */
  emit(event: TraceEvent): void {
    this.#layout.emit(event);
  }

  /** Ends the slices that are open, where the run ended, and hands on what is held back. Once is enough. */
  end(): void {
    if (this.#layout.end() === "first") this.#stream.flush();
  }
}
