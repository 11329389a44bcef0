import type { TraceEvent, TraceEventKind } from "./events.js";

/** Takes events as they happen. A machine without one spends nothing on tracing. */
export interface TraceSink {
  emit(event: TraceEvent): void;
}

/**
 * Keeps the newest events of a run, oldest dropped first, in constant memory.
 *
 * The default capacity of 65 536 holds about four seconds of a 1 kHz guest at some fifteen events a tick.
 *
 * @param capacity - events kept, 1 … 2^24.
 * @throws RangeError for a capacity outside that range.
 * @example
 * import { hostTsc } from "@chronovisor/clocksource";
 * const log = new EventLog(2);
 * for (const text of ["a", "b", "c"]) log.emit({ kind: "note", at: hostTsc(0n), vcpu: 0, text });
 * log.dropped // => 1
 * log.events().length // => 2
 */
export class EventLog implements TraceSink {
  readonly #capacity: number;
  readonly #ring: TraceEvent[] = [];
  #total = 0;

  constructor(capacity = 65_536) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > 2 ** 24) {
      throw new RangeError(`EventLog: expected a capacity from 1 to ${2 ** 24}, got ${capacity}`);
    }
    this.#capacity = capacity;
  }

  emit(event: TraceEvent): void {
    this.#ring[this.#total % this.#capacity] = event;
    this.#total += 1;
  }

  /** Events that fell out of the front. */
  get dropped(): number {
    return Math.max(0, this.#total - this.#capacity);
  }

  /** What is kept, in the order it happened. */
  events(): readonly TraceEvent[] {
    const split = this.#total > this.#capacity ? this.#total % this.#capacity : 0;
    return [...this.#ring.slice(split), ...this.#ring.slice(0, split)];
  }

  /** The kept events of one kind, in order. */
  ofKind<K extends TraceEventKind>(kind: K): ReadonlyArray<Extract<TraceEvent, { kind: K }>> {
    return this.events().filter((event): event is Extract<TraceEvent, { kind: K }> => event.kind === kind);
  }
}
