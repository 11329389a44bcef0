import type { ClockReadings } from "./timeline.js";

/** Readings a file takes at one distance; then the distance doubles (docs/model/trace-formats §1.4). */
const READINGS_PER_DISTANCE = 10_000;

interface Reading {
  readonly ns: bigint;
  readonly clocks: ClockReadings;
}

/**
 * Chooses which readings of the clocks a file keeps: the first, one per distance of simulated time, and both of two that differ at one
 * instant, which is what a step looks like. The distance doubles after every 10 000 readings kept for it, so a long run's file grows
 * with the logarithm of its length.
 *
 * The reading before a step is only known to be one when the reading after it comes, so the newest that was left out is held.
 */
export class SnapshotPicker {
  readonly #keep: (ns: bigint, clocks: ClockReadings) => void;
  #distanceNs: bigint;
  #keptAtDistance = 0;
  #keptNs: bigint | undefined;
  #newest: Reading | undefined;
  #newestIs: "kept" | "held" = "kept";

  constructor(distanceNs: bigint, keep: (ns: bigint, clocks: ClockReadings) => void) {
    this.#distanceNs = distanceNs;
    this.#keep = keep;
  }

  take(ns: bigint, clocks: ClockReadings): void {
    const before = this.#newest;
    this.#newest = { ns, clocks };
    if (before?.ns === ns) {
      if (!differ(before.clocks, clocks)) return;
      if (this.#newestIs === "held") this.#keep(ns, before.clocks);
      this.#keepNewest(ns, clocks);
      return;
    }
    if (this.#keptNs !== undefined && ns - this.#keptNs < this.#distanceNs) {
      this.#newestIs = "held";
      return;
    }
    this.#keepNewest(ns, clocks);
    this.#keptAtDistance += 1;
    if (this.#keptAtDistance < READINGS_PER_DISTANCE) return;
    this.#keptAtDistance = 0;
    this.#distanceNs *= 2n;
  }

  #keepNewest(ns: bigint, clocks: ClockReadings): void {
    this.#newestIs = "kept";
    this.#keptNs = ns;
    this.#keep(ns, clocks);
  }
}

function differ(a: ClockReadings, b: ClockReadings): boolean {
  return a.length !== b.length || a.some(([name, ns], i) => name !== b[i]?.[0] || ns !== b[i]?.[1]);
}
