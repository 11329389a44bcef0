/**
 * A result as JSON: exact, and the same bytes for the same request. Integers are decimal strings in base units, keys
 * keep a fixed order, and nothing of the machine it ran on is in it.
 */
import type { Distribution, Quantity, RunResult, Series, Table, TableColumn, Unit } from "./types.js";

export interface JsonQuantity {
  /** An integer as a decimal string, a name, or a flag. */
  readonly value: string | boolean;
  readonly unit: Unit;
}

export interface JsonSeries {
  readonly title: string;
  readonly unit: Unit;
  /** `[ns since the start, value]`. */
  readonly points: ReadonlyArray<readonly [string, string]>;
}

export interface JsonTable {
  readonly title: string;
  readonly columns: readonly Pick<TableColumn, "name" | "unit" | "title">[];
  readonly rows: ReadonlyArray<ReadonlyArray<string | boolean>>;
}

export interface JsonDistribution {
  readonly title: string;
  readonly unit: Unit;
  readonly count: string;
  readonly buckets: ReadonlyArray<Readonly<Record<string, string>>>;
  /** Null when there was no sample. */
  readonly quantiles: Readonly<Record<string, string>> | null;
}

export interface JsonExpectation {
  readonly text: string;
  /** Null where the expectation is stated for other parameters. */
  readonly held: boolean | null;
  readonly expected: string;
  readonly got: string;
  readonly reason: string;
}

/** A run, JSON-safe: what `run --json` prints. */
export interface JsonRun {
  readonly scenario: string;
  readonly kernel: string;
  readonly axes: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, JsonQuantity>>;
  readonly seed: number;
  /** Null where there was nothing to measure. */
  readonly observations: Readonly<Record<string, JsonQuantity | null>>;
  readonly series: Readonly<Record<string, JsonSeries>>;
  readonly tables: Readonly<Record<string, JsonTable>>;
  readonly distributions: Readonly<Record<string, JsonDistribution>>;
  readonly expectations: readonly JsonExpectation[];
}

/** Runs side by side, JSON-safe: what `compare --json` prints. */
export interface JsonComparison {
  readonly scenario: string;
  readonly columns: readonly JsonRun[];
  /** Axes on which the columns' kernels differ. */
  readonly axes: readonly string[];
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  convert: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, convert(value)]));
}

function scalar(value: Quantity["value"]): string | boolean {
  return typeof value === "bigint" ? value.toString() : value;
}

function quantity({ value, unit }: Quantity): JsonQuantity {
  return { value: scalar(value), unit };
}

function series({ title, unit, points }: Series): JsonSeries {
  return { title, unit, points: points.map(([atNs, value]) => [atNs.toString(), value.toString()] as const) };
}

function table({ title, columns, rows }: Table): JsonTable {
  return {
    title,
    columns: columns.map((column) => ({ name: column.name, unit: column.unit, title: column.title })),
    rows: rows.map((row) => row.map(scalar)),
  };
}

/** Every integer of a record of integers as a decimal string. */
function decimals(integers: Readonly<Record<string, bigint>>): Record<string, string> {
  return mapValues(integers, (integer) => integer.toString());
}

function distribution({ title, unit, count, buckets, quantiles }: Distribution): JsonDistribution {
  return {
    title,
    unit,
    count: count.toString(),
    buckets: buckets.map(({ from, to, count: counted }) => decimals({ from, to, count: counted })),
    quantiles: quantiles === undefined ? null : decimals({ ...quantiles }),
  };
}

/**
 * A run as a JSON-safe object: integers are decimal strings, an expectation that does not apply has `held` null, an
 * observation there was nothing to measure for is null.
 *
 * @param result - what `simulate` returned.
 * @example
 * const { observations } = runToJson(simulate("long-stop", { kernel: "v6.18", set: { stop: "60s" } }));
 * observations.cb // => { value: '60029', unit: 'count' }
 */
export function runToJson(result: RunResult): JsonRun {
  return {
    scenario: result.scenario,
    kernel: result.kernel,
    axes: { ...result.axes },
    params: mapValues(result.params, quantity),
    seed: result.seed,
    observations: mapValues(result.observations, (one) => (one === undefined ? null : quantity(one))),
    series: mapValues(result.series, series),
    tables: mapValues(result.tables, table),
    distributions: mapValues(result.distributions, distribution),
    expectations: result.expectations.map(({ text, held, expected, got, reason }) => ({
      text,
      held: held ?? null,
      expected,
      got,
      reason,
    })),
  };
}

/** Names of the axes that are not the same in every result, in the order of the axis table. */
export function differingAxes(results: readonly RunResult[]): readonly string[] {
  const [first] = results;
  if (first === undefined) return [];
  return Object.keys(first.axes).filter((name) =>
    results.some((result) => result.axes[name] !== first.axes[name]),
  );
}

/**
 * Runs of one scenario side by side as a JSON-safe object, in the order given, with the axes in which they differ.
 *
 * @param scenario - its id.
 * @param results - one per column.
 * @example
 * const columns = ["v6.18", "v6.19"].map((kernel) => simulate("long-stop", { kernel }));
 * comparisonToJson("long-stop", columns).axes.slice(0, 3) // => [ 'periodicAdvance', 'hrtimerRearm', 'period0' ]
 */
export function comparisonToJson(scenario: string, results: readonly RunResult[]): JsonComparison {
  return { scenario, columns: results.map(runToJson), axes: differingAxes(results) };
}
