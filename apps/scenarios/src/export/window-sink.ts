import {
  type TraceEvent,
  type TraceExporter,
  type TraceRun,
  type TraceSink,
  TrueTime,
} from "@chronovisor/trace";
import { ChronovisorError } from "../errors.js";
import { formatInput } from "../units/format-exact.js";
import { StandingState } from "./standing-state.js";
import type { TraceWindow, WrittenStretch } from "./trace-window.js";
import { WindowEdge } from "./window-edge.js";

/** Thrown through a run whose window is over, to leave it: nobody but `exportRun`, which made `sink`, is to catch it. */
export class WindowClosed extends Error {
  override readonly name = "WindowClosed";

  constructor(readonly sink: TraceSink) {
    super("the window of this export is over");
  }
}

/** What stood where a window begins, as its format is told it: all of it, or only who runs where. */
export type WindowOpening = "all that stands" | "who runs";

/**
 * Hands on the part of a run that lies in a window, to an exporter that then has a run of its own: it begins with an epoch and with what
 * stood at that instant, as if it had come about then. Where the window ends, it leaves the run by throwing `WindowClosed`.
 */
export class WindowSink implements TraceSink {
  /** Clocks are to be read where the window begins. */
  readonly clocksAtNs: bigint | undefined;
  readonly #window: TraceWindow;
  readonly #exporter: TraceExporter;
  readonly #opening: WindowOpening;
  readonly #time: TrueTime;
  readonly #from: WindowEdge;
  readonly #to: WindowEdge | undefined;
  /** What stands; undefined once the window is open. */
  #before: StandingState | undefined;
  #fromNs: bigint | undefined;
  #events = 0;
  #last: TraceEvent | undefined;
  #closed: "no" | "by its end" | "by its events" = "no";

  constructor({ tscHz }: TraceRun, window: TraceWindow, exporter: TraceExporter, opening: WindowOpening) {
    const { fromNs = 0n, toNs } = window;
    this.clocksAtNs = window.fromNs;
    this.#window = window;
    this.#exporter = exporter;
    this.#opening = opening;
    this.#time = new TrueTime(tscHz);
    this.#from = new WindowEdge(tscHz, fromNs);
    this.#to = toNs === undefined ? undefined : new WindowEdge(tscHz, toNs);
    this.#before = fromNs > 0n ? new StandingState() : undefined;
  }

  emit(event: TraceEvent): void {
    if (this.#to?.isReachedBy(event) === true) {
      // Nothing may happen in a short one, but what stands there stands; after a sleep, the host was never there.
      if (this.#before !== undefined && event.kind !== "epoch") this.#open(this.#before, undefined);
      this.#close("by its end");
    }
    if (this.#events === this.#window.events && event.kind !== "clocks") this.#close("by its events");
    if (this.#before === undefined) this.#handOn(event);
    else if (this.#from.isReachedBy(event)) this.#open(this.#before, event);
    else {
      this.#note(event);
      this.#before.take(event);
    }
  }

  /**
   * Ends the file, and tells what is in it.
   *
   * @throws ChronovisorError where nothing is, for a run that was over before its window began, or a host that slept through it
   */
  end(): WrittenStretch {
    const { fromNs = 0n, toNs } = this.#window;
    if (this.#before !== undefined) {
      const asked = formatInput(fromNs, "ns");
      throw new ChronovisorError(
        this.#closed === "no"
          ? `from: expected a time within the run, whose last event is at ${formatInput(this.#lastNs(), "ns")}, got ${asked}`
          : `from: nothing happens from ${asked} to ${formatInput(toNs ?? fromNs, "ns")}, the host sleeps`,
      );
    }
    this.#exporter.end();
    return {
      fromNs: this.#fromNs ?? 0n,
      toNs: this.#closed === "by its end" && toNs !== undefined ? toNs : this.#lastNs(),
      events: this.#events,
      ended: this.#closed === "no" ? "with the run" : "by the window",
    };
  }

  #close(why: "by its end" | "by its events"): never {
    this.#closed = why;
    throw new WindowClosed(this);
  }

  /** Begins at the window's first instant or, where a sleep goes over that, with the epoch after it. */
  #open(before: StandingState, first: TraceEvent | undefined): void {
    this.#before = undefined;
    const at = first?.kind === "epoch" ? first.at : this.#from.tsc;
    if (first?.kind === "epoch") this.#handOn(first);
    else this.#exporter.emit({ kind: "epoch", at, ns: this.#time.at(at) });
    this.#fromNs ??= this.#time.at(at);
    for (const event of before.events()) {
      if (this.#opening === "all that stands" || event.kind === "cpu-runs") {
        this.#exporter.emit({ ...event, at });
      }
    }
    if (first !== undefined && first.kind !== "epoch") this.#handOn(first);
  }

  #handOn(event: TraceEvent): void {
    this.#note(event);
    this.#fromNs ??= this.#time.at(event.at);
    if (event.kind !== "clocks") this.#events += 1;
    this.#exporter.emit(event);
  }

  #note(event: TraceEvent): void {
    this.#time.note(event);
    this.#last = event;
  }

  #lastNs(): bigint {
    return this.#last === undefined ? 0n : this.#time.at(this.#last.at);
  }
}
