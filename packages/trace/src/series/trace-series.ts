import type { TraceSink } from "../event-log.js";
import type { TraceEvent } from "../events.js";

/** A quantity over time that a trace carries: a counter, or the readings of a clock. */
export interface TraceSeries {
  readonly of: "counter" | "clock";
  /** `lag`, or `lag.vcpu0` for a vCPU's own. */
  readonly name: string;
  readonly unit: "ns" | "count";
}

/** One value of a series. */
export interface Sample {
  readonly series: TraceSeries;
  readonly value: bigint;
}

const NONE: readonly Sample[] = [];

/** What an event says about quantities: most say nothing, a reading of the clocks is a value of each. */
export function samplesOf(event: TraceEvent): readonly Sample[] {
  if (event.kind === "counter") {
    const { name, unit, value, vcpu } = event;
    const own = vcpu === undefined ? name : `${name}.vcpu${vcpu}`;
    return [{ series: { of: "counter", name: own, unit }, value }];
  }
  if (event.kind !== "clocks") return NONE;
  return event.clocks.map(([name, value]) => ({ series: { of: "clock", name, unit: "ns" }, value }));
}

/** Tells series apart. */
export function seriesKey({ of, name, unit }: TraceSeries): string {
  return `${of} ${unit} ${name}`;
}

/**
 * Collects which series a trace carries, in the order they first come. A format that names its columns at its head needs them before
 * the first event: run once into a collector, and, runs being the same every time, once more into the exporter.
 *
 * @example
 * import { hostTsc } from "@chronovisor/clocksource";
 * const collector = new SeriesCollector();
 * for (const value of [5n, 7n]) collector.emit({ kind: "counter", at: hostTsc(0n), name: "lag", unit: "ns", value, vcpu: 0 });
 * collector.series() // => [ { of: 'counter', name: 'lag.vcpu0', unit: 'ns' } ]
 */
export class SeriesCollector implements TraceSink {
  readonly #series = new Map<string, TraceSeries>();

  /** Takes the next event of the run. */
  emit(event: TraceEvent): void {
    for (const { series } of samplesOf(event)) {
      const key = seriesKey(series);
      if (!this.#series.has(key)) this.#series.set(key, series);
    }
  }

  /** The series so far. */
  series(): readonly TraceSeries[] {
    return [...this.#series.values()];
  }
}
