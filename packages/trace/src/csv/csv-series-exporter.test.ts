import { hostTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCsv } from "../../test/csv-parser.js";
import { anyEvents, RUN } from "../../test/random-events.js";
import type { TraceEvent } from "../events.js";
import { SeriesCollector, type TraceSeries } from "../series/trace-series.js";
import { CsvSeriesExporter } from "./csv-series-exporter.js";

const LAG: TraceSeries = { of: "counter", name: "lag", unit: "ns" };
const MULT: TraceSeries = { of: "counter", name: "mult", unit: "count" };
const KVMCLOCK: TraceSeries = { of: "clock", name: "kvmclock.vcpu0", unit: "ns" };

/** A millisecond of `RUN`'s TSC. */
const atMs = (ms: bigint) => hostTsc(ms * 3_000_000n);
const lag = (ms: bigint, value: bigint): TraceEvent => ({
  kind: "counter",
  at: atMs(ms),
  name: "lag",
  unit: "ns",
  value,
});
const mult = (ms: bigint, value: bigint): TraceEvent => ({
  kind: "counter",
  at: atMs(ms),
  name: "mult",
  unit: "count",
  value,
});
const kvmclock = (ms: bigint, ns: bigint): TraceEvent => ({
  kind: "clocks",
  at: atMs(ms),
  clocks: [["kvmclock.vcpu0", ns]],
});

function fileOf(events: readonly TraceEvent[], series: readonly TraceSeries[]): string {
  let file = "";
  const exporter = new CsvSeriesExporter(
    RUN,
    (text) => {
      file += text;
    },
    series,
  );
  for (const event of events) exporter.emit(event);
  exporter.end();
  exporter.end();
  return file;
}

describe("CsvSeriesExporter", () => {
  it("puts what was sampled at one instant in one row, and leaves empty what was not", () => {
    const events = [lag(1n, -5n), mult(1n, 7n), kvmclock(2n, 2_000_001n), lag(3n, 0n)];
    expect(fileOf(events, [LAG, MULT, KVMCLOCK])).toBe(
      "t_ns,lag_ns,mult_count,kvmclock.vcpu0_ns\n1000000,-5,7,\n2000000,,,2000001\n3000000,0,,\n",
    );
  });

  it("gives a step two rows of one time", () => {
    expect(fileOf([kvmclock(1n, 5n), lag(1n, 1n), kvmclock(1n, 9n)], [LAG, KVMCLOCK])).toBe(
      "t_ns,lag_ns,kvmclock.vcpu0_ns\n1000000,1,5\n1000000,,9\n",
    );
  });

  it("has the columns that were asked for, in that order, whether or not the run has them", () => {
    expect(fileOf([lag(1n, 1n), mult(2n, 2n)], [KVMCLOCK, MULT])).toBe(
      "t_ns,kvmclock.vcpu0_ns,mult_count\n2000000,,2\n",
    );
  });

  it("quotes a name that needs it", () => {
    const odd: TraceSeries = { of: "counter", name: "a,b", unit: "ns" };
    expect(fileOf([], [odd])).toBe('t_ns,"a,b_ns"\n');
  });

  it("has every sample of a run in order, column by column", () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const collector = new SeriesCollector();
        for (const event of events) collector.emit(event);
        const series = collector.series();
        const [, ...rows] = parseCsv(fileOf(events, series));
        for (const [i, { of, name, unit }] of series.entries()) {
          const expected = events.flatMap((event) => {
            if (event.kind === "clocks")
              return of === "clock" ? event.clocks.filter(([clock]) => clock === name) : [];
            if (event.kind !== "counter" || of !== "counter" || event.unit !== unit) return [];
            const own = event.vcpu === undefined ? event.name : `${event.name}.vcpu${event.vcpu}`;
            return own === name ? [[own, event.value] as const] : [];
          });
          const column = rows.map((row) => row[i + 1]).filter((field) => field !== "");
          expect(column).toEqual(expected.map(([, value]) => String(value)));
        }
      }),
    );
  });

  it.each([
    ["lag_ns", [LAG, MULT, { ...LAG, of: "clock" as const }]],
    ["t_ns", [{ ...LAG, name: "t" }]],
  ])("refuses two columns called %s", (name, series) => {
    expect(() => new CsvSeriesExporter(RUN, () => {}, series)).toThrow(
      new RangeError(`CsvSeriesExporter: expected series of different names, got ${name} twice`),
    );
  });

  it("refuses an event after the end, and one that goes back in time", () => {
    const exporter = new CsvSeriesExporter(RUN, () => {}, [LAG]);
    exporter.emit(lag(2n, 1n));
    expect(() => exporter.emit(lag(1n, 1n))).toThrow(
      new RangeError(
        "CsvSeriesExporter.emit: expected events in order of time, got counter at 1000000 ns after 2000000 ns",
      ),
    );
    exporter.end();
    expect(() => exporter.emit(lag(3n, 1n))).toThrow(
      new RangeError("CsvSeriesExporter.emit: expected no event after end(), got counter"),
    );
  });
});
