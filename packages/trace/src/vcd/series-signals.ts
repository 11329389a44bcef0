import type { TraceEvent } from "../events.js";
import { samplesOf, seriesKey, type TraceSeries } from "../series/trace-series.js";
import type { VcdFile, VcdVariable } from "./vcd-file.js";

interface Signal {
  readonly variable: VcdVariable<bigint>;
  readonly of: TraceSeries["of"];
  /** Of a clock: its first reading less true time, ns. */
  firstNs: bigint | undefined;
}

/**
 * Quantities over time, as reals: a counter as it is; of a clock what it has gained on true time since its first reading, since a clock
 * that counts from 1970 is beyond what a double holds exactly.
 */
export class SeriesSignals {
  readonly #signals: ReadonlyMap<string, Signal>;

  /** Declares the variables in the scope that is open. */
  constructor(file: VcdFile, series: readonly TraceSeries[]) {
    this.#signals = new Map(
      series.map((one) => {
        const name = one.of === "clock" ? `${one.name}_drift_ns` : `${one.name}_${one.unit}`;
        return [seriesKey(one), { variable: file.real(name), of: one.of, firstNs: undefined }];
      }),
    );
  }

  take(ns: bigint, event: TraceEvent): void {
    for (const { series, value } of samplesOf(event)) {
      const signal = this.#signals.get(seriesKey(series));
      if (signal === undefined) continue;
      if (signal.of === "counter") {
        signal.variable.set(value);
        continue;
      }
      signal.firstNs ??= value - ns;
      signal.variable.set(value - ns - signal.firstNs);
    }
  }
}
