import type { HostTsc } from "@chronovisor/clocksource";
import type { TraceEvent } from "./events.js";
import { TrueTime } from "./true-time.js";

/** What a format counts time in. */
type TimeUnit = "ns" | "ps";

/**
 * True time of each event of a run, for an exporter that writes one thing per event. Refuses events after the end, and, where
 * the format needs them `ascending`, events that go back in time. Complaints name `fnName`.
 */
export class EventTimes {
  readonly #time: TrueTime;
  readonly #order: "any" | "ascending";
  readonly #fnName: string;
  readonly #unit: TimeUnit;
  #last = 0n;
  #lastTsc: HostTsc | undefined;
  #ended: "no" | "yes" = "no";

  constructor(tscHz: bigint, order: "any" | "ascending", fnName: string, unit: TimeUnit = "ns") {
    this.#time = new TrueTime(tscHz);
    this.#order = order;
    this.#fnName = fnName;
    this.#unit = unit;
  }

  /** Time of the newest event, or 0. */
  get last(): bigint {
    return this.#last;
  }

  /** Time of the next event. */
  next(event: TraceEvent): bigint {
    if (this.#ended === "yes") {
      throw new RangeError(`${this.#fnName}.emit: expected no event after end(), got ${event.kind}`);
    }
    if (event.kind === "epoch") {
      this.#time.note(event);
      this.#lastTsc = undefined;
    }
    // Most events share their instant with the one before: a division less.
    if (event.at === this.#lastTsc) return this.#last;
    const time = this.#unit === "ns" ? this.#time.at(event.at) : this.#time.psAt(event.at);
    if (this.#order === "ascending" && time < this.#last) {
      const got = `${event.kind} at ${time} ${this.#unit} after ${this.#last} ${this.#unit}`;
      throw new RangeError(`${this.#fnName}.emit: expected events in order of time, got ${got}`);
    }
    this.#last = time;
    this.#lastTsc = event.at;
    return time;
  }

  /** No event may follow. Tells whether this is the first time it is said: a second `end` of an exporter writes nothing. */
  end(): "first" | "again" {
    const which = this.#ended === "no" ? "first" : "again";
    this.#ended = "yes";
    return which;
  }
}
