import type { HostTsc } from "@chronovisor/clocksource";
import type { TraceEvent, TraceSink } from "@chronovisor/trace";

/**
 * Hands events on in order of time. CPUs are up to one event of the engine apart, so what one of them did may be told before what
 * another did earlier: events are held until nothing earlier can come. At one instant they stay in the order they came in.
 *
 * With one CPU nothing is ever held; with more, what one event of the engine makes.
 */
export class TraceOrder implements TraceSink {
  /** An instant at which whoever takes the events wants the clocks read besides, true ns. */
  readonly clocksAtNs: bigint | undefined;
  /** The instant before which nothing will be told any more; by default what comes is in order. */
  settledAt: (() => HostTsc) | undefined;
  readonly #sink: TraceSink;
  readonly #held: TraceEvent[] = [];

  constructor(sink: TraceSink & { readonly clocksAtNs?: bigint | undefined }) {
    this.#sink = sink;
    this.clocksAtNs = sink.clocksAtNs;
  }

  emit(event: TraceEvent): void {
    this.settle();
    if (event.at <= (this.settledAt?.() ?? event.at)) {
      this.#sink.emit(event);
      return;
    }
    let index = this.#held.length;
    while (index > 0 && (this.#held[index - 1]?.at ?? 0n) > event.at) index -= 1;
    this.#held.splice(index, 0, event);
  }

  /** Hands on what is settled by now. */
  settle(): void {
    if (this.#held.length === 0 || this.settledAt === undefined) return;
    const settled = this.settledAt();
    const first = this.#held.findIndex(({ at }) => at > settled);
    const count = first < 0 ? this.#held.length : first;
    for (const event of this.#held.splice(0, count)) this.#sink.emit(event);
  }

  /** Nothing earlier than what is held will come: the run is over, or the counter is about to be set. */
  flush(): void {
    for (const event of this.#held.splice(0)) this.#sink.emit(event);
  }
}
