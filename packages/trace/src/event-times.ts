import type { TraceEvent } from "./events.js";
import { TrueTime } from "./true-time.js";

/**
 * True time of each event of a run, ns, for an exporter that writes one thing per event. Refuses events after the end, and, where
 * the format needs them `ascending`, events that go back in time. Complaints name `fnName`.
 */
export class EventTimes {
  readonly #time: TrueTime;
  readonly #order: "any" | "ascending";
  readonly #fnName: string;
  #lastNs = 0n;
  #ended: "no" | "yes" = "no";

  constructor(tscHz: bigint, order: "any" | "ascending", fnName: string) {
    this.#time = new TrueTime(tscHz);
    this.#order = order;
    this.#fnName = fnName;
  }

  /** Time of the event before, or 0. */
  get lastNs(): bigint {
    return this.#lastNs;
  }

  /** Time of the next event. */
  next(event: TraceEvent): bigint {
    if (this.#ended === "yes") {
      throw new RangeError(`${this.#fnName}.emit: expected no event after end(), got ${event.kind}`);
    }
    this.#time.note(event);
    const ns = this.#time.at(event.at);
    if (this.#order === "ascending" && ns < this.#lastNs) {
      const got = `${event.kind} at ${ns} ns after ${this.#lastNs} ns`;
      throw new RangeError(`${this.#fnName}.emit: expected events in order of time, got ${got}`);
    }
    this.#lastNs = ns;
    return ns;
  }

  /** No event may follow. Tells whether this is the first time it is said: a second `end` of an exporter writes nothing. */
  end(): "first" | "again" {
    const which = this.#ended === "no" ? "first" : "again";
    this.#ended = "yes";
    return which;
  }
}
