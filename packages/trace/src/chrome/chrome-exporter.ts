import type { TraceEvent } from "../events.js";
import type { TraceExporter, TraceRun, WriteText } from "../exporter.js";
import { TimelineLayout, type TimelineOptions } from "../timeline/layout.js";
import { ChromeTimeline } from "./chrome-timeline.js";
import { TraceText } from "./trace-text.js";

/** A viewer's double tells every nanosecond apart below 2^42 µs, which is 50.9 days (docs/model/trace-formats §2). */
const LIMIT_NS = 2n ** 42n * 1_000n;

/**
 * Writes a run as Chrome's JSON trace events (`.json`), for viewers and scripts that read no Perfetto traces.
 *
 * Times are true microseconds since the start of the run with three decimals, rounded down to the nanosecond. 64-bit arguments are
 * decimal text; counters are exact in the file and doubles to whoever reads it. Clocks are left out but for their drifts.
 *
 * Text is handed on in pieces of some 64 KiB that end with an event. What is held does not grow with the run: it is bounded by the
 * CPUs, the vCPUs, the timers armed at once and the names of counters.
 *
 * Source: the Trace Event Format, as google/perfetto imports it (docs/model/trace-formats §2).
 *
 * @example
 * import { hostTsc } from "@chronovisor/clocksource";
 * let text = "";
 * const run = { scenario: "one tick", kernel: "v6.12", params: {}, seed: 1, tscHz: 3_000_000_000n, tscKhz: 3_000_000, cpus: 1, vcpus: 1 };
 * const exporter = new ChromeExporter(run, (piece) => { text += piece; });
 * exporter.emit({ kind: "note", at: hostTsc(10n ** 10n), vcpu: 0, text: "tick" });
 * exporter.end();
 * JSON.parse(text).traceEvents.at(-1).name // => 'tick'
 * text.includes('"ts":3333333.333') // => true
 */
export class ChromeExporter implements TraceExporter {
  readonly #out: TraceText;
  readonly #layout: TimelineLayout;

  /**
   * @param run - what the trace is of: at least 1 CPU, at most 65 536 CPUs and vCPUs each.
   * @param write - is given the file's text, in order.
   * @param options - how often the drift of the clocks is drawn.
   * @throws RangeError for counts outside those, a frequency below 1 Hz, or a distance of readings below 1 ns.
   */
  constructor(run: TraceRun, write: WriteText, options: TimelineOptions = {}) {
    this.#out = new TraceText(write);
    this.#layout = new TimelineLayout(run, options, {
      createTimeline: () => new ChromeTimeline(this.#out, run),
      fnName: "ChromeExporter",
      limit: {
        ns: LIMIT_NS,
        expected: "a run below 2^42 µs, 50.9 days (PerfettoExporter takes longer ones)",
      },
    });
  }

  /**
   * Takes the next event of the run.
   *
   * @throws RangeError for an event after `end`, earlier than the one before it, 2^42 µs after the start or later, of a CPU or vCPU
   *   that the run does not have, or with other clocks than the first reading's.
   */
  emit(event: TraceEvent): void {
    this.#layout.emit(event);
  }

  /** Ends the slices that are open, where the run ended, and closes the JSON. Once is enough. */
  end(): void {
    if (this.#layout.end() === "first") this.#out.end();
  }
}
