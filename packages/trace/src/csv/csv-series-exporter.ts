import { EventTimes } from "../event-times.js";
import type { TraceEvent } from "../events.js";
import type { TraceExporter, TraceRun, WriteText } from "../exporter.js";
import { samplesOf, seriesKey, type TraceSeries } from "../series/trace-series.js";
import { TextPieces } from "../text-pieces.js";
import { csvRow } from "./cell.js";

/**
 * Writes quantities of a run over time as one wide CSV table (`series.csv`), for a plot: `t_ns`, then a column per series, called
 * `<name>_<unit>`. A row is what was sampled at one instant; where nothing was, its column is empty. A series that takes two values at
 * one instant, as a clock that is stepped does, takes two rows.
 *
 * Exact: integers are plain decimal, `t_ns` true time since the start of the run, rounded down. Events that are no samples, and samples
 * of series that were not asked for, are left out. Holds one row.
 *
 * Source: RFC 4180, LF instead of CR LF (docs/model/trace-formats §4).
 *
 * @example
 * import { hostTsc } from "@chronovisor/clocksource";
 * let file = "";
 * const run = { scenario: "one tick", kernel: "v6.12", params: {}, seed: 1, tscHz: 2_500_000_000n, tscKhz: 2_500_000, cpus: 1, vcpus: 1 };
 * const exporter = new CsvSeriesExporter(run, (text) => { file += text; }, [{ of: "counter", name: "lag.vcpu0", unit: "ns" }]);
 * exporter.emit({ kind: "counter", at: hostTsc(2_500_000n), name: "lag", unit: "ns", value: -51n, vcpu: 0 });
 * exporter.end();
 * file.split("\n") // => [ 't_ns,lag.vcpu0_ns', '1000000,-51', '' ]
 */
export class CsvSeriesExporter implements TraceExporter {
  readonly #times: EventTimes;
  readonly #pieces: TextPieces;
  /** Index of a series' column among the values. */
  readonly #columns: ReadonlyMap<string, number>;
  /** The row that samples are still put in. */
  #values: (bigint | undefined)[];
  #rowNs: bigint | undefined;

  /**
   * @param run - what the trace is of; only its frequency is used.
   * @param write - is given the file's text, in order.
   * @param series - the columns, in order, of different names; `SeriesCollector` tells which there are.
   * @throws RangeError for a frequency below 1 Hz, or two columns of one name.
   */
  constructor(run: TraceRun, write: WriteText, series: readonly TraceSeries[]) {
    const names = series.map(({ name, unit }) => `${name}_${unit}`);
    const twice = names.find((name, i) => name === "t_ns" || names.indexOf(name) < i);
    if (twice !== undefined) {
      throw new RangeError(`CsvSeriesExporter: expected series of different names, got ${twice} twice`);
    }
    this.#times = new EventTimes(run.tscHz, "ascending", "CsvSeriesExporter");
    this.#columns = new Map(series.map((one, index) => [seriesKey(one), index]));
    this.#values = series.map(() => undefined);
    this.#pieces = new TextPieces(write);
    this.#pieces.add(csvRow(["t_ns", ...names]));
  }

  /**
   * Takes the next event of the run.
   *
   * @throws RangeError for an event after `end`, or earlier than the one before it.
   */
  emit(event: TraceEvent): void {
    const ns = this.#times.next(event);
    for (const { series, value } of samplesOf(event)) {
      const column = this.#columns.get(seriesKey(series));
      if (column !== undefined) this.#put(ns, column, value);
    }
  }

  /** Writes the last row. Once is enough. */
  end(): void {
    this.#times.end();
    this.#finishRow();
    this.#pieces.flush();
  }

  #put(ns: bigint, column: number, value: bigint): void {
    if (this.#rowNs !== ns || this.#values[column] !== undefined) this.#finishRow();
    this.#rowNs = ns;
    this.#values[column] = value;
  }

  #finishRow(): void {
    if (this.#rowNs === undefined) return;
    this.#pieces.add(csvRow([this.#rowNs, ...this.#values]));
    this.#values = this.#values.map(() => undefined);
    this.#rowNs = undefined;
  }
}
