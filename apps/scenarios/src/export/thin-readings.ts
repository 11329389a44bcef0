import type { TraceEvent, TraceSink } from "@chronovisor/trace";

type Reading = Extract<TraceEvent, { kind: "clocks" }>;

/** Readings at one distance; then it doubles. */
const READINGS_PER_DISTANCE = 500;

/** Distances in a second: the first is the 10 ms at which machines read their clocks. */
const FIRST_DISTANCES_PER_S = 100n;

/**
 * Leaves out readings of clocks, of which a long run may have little else: of the first 500 those that are 10 ms apart stay, of the next
 * 500 those that are 20 ms apart, and so on, so that their number grows with the logarithm of the run's length. Both readings of a step
 * stay.
 */
export class ThinReadings implements TraceSink {
  readonly #sink: TraceSink;
  #distance: bigint;
  #kept = 0;
  #keptAt: bigint | undefined;
  /** The event before, where it is a reading; and whether it was left out. */
  #newest: { readonly reading: Reading; readonly was: "kept" | "left out" } | undefined;

  /** @param tscHz - the frequency of the run's counter. */
  constructor(tscHz: bigint, sink: TraceSink) {
    this.#distance = tscHz / FIRST_DISTANCES_PER_S;
    this.#sink = sink;
  }

  emit(event: TraceEvent): void {
    const before = this.#newest;
    this.#newest = undefined;
    if (event.kind !== "clocks") {
      this.#sink.emit(event);
      return;
    }
    if (before?.reading.at === event.at) {
      // Two at one instant are before and after a step.
      if (before.was === "left out") this.#sink.emit(before.reading);
      this.#keep(event);
    } else if (this.#isDue(event)) {
      this.#keep(event);
      this.#count();
    } else this.#newest = { reading: event, was: "left out" };
  }

  #isDue({ at }: Reading): boolean {
    if (this.#keptAt === undefined) return true;
    // A counter that was set goes on anywhere.
    const apart = at - this.#keptAt;
    return apart < 0n || apart >= this.#distance;
  }

  #keep(reading: Reading): void {
    this.#sink.emit(reading);
    this.#newest = { reading, was: "kept" };
    this.#keptAt = reading.at;
  }

  #count(): void {
    this.#kept += 1;
    if (this.#kept % READINGS_PER_DISTANCE === 0) this.#distance *= 2n;
  }
}
