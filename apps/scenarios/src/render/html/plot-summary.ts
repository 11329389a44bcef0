/** A chart in words, for whoever does not see it: made from the exact values, not from what was drawn. */
import type { Series, Unit } from "../../scenario/types.js";
import { formatQuantity } from "../../units/format-quantity.js";
import type { PlotLine } from "../plot-frame.js";

type Extreme = readonly [atNs: bigint, value: bigint];

/** The first point whose value no other exceeds, by `order` of 1 for the largest and −1 for the smallest. */
function extreme(points: readonly Extreme[], order: 1n | -1n): Extreme | undefined {
  return points.reduce<Extreme | undefined>(
    (best, point) => (best === undefined || order * point[1] > order * best[1] ? point : best),
    undefined,
  );
}

function summariseSeries({ unit, points }: Series): string {
  const first = points[0];
  const last = points.at(-1);
  const low = extreme(points, -1n);
  const high = extreme(points, 1n);
  if (first === undefined || last === undefined || low === undefined || high === undefined) {
    return "no point";
  }
  const value = (point: Extreme): string => formatQuantity(point[1], unit);
  if (low[1] === high[1]) return `${value(first)} throughout`;
  const between = (point: Extreme, word: string): string[] =>
    point[1] === first[1] || point[1] === last[1]
      ? []
      : [`${word} ${value(point)} after ${formatQuantity(point[0], "ns")}`];
  return [
    `from ${value(first)} to ${value(last)} after ${formatQuantity(last[0], "ns")}`,
    ...between(low, "lowest"),
    ...between(high, "highest"),
  ].join(", ");
}

/** `lag. before v4.16: from 0 ns to 30.001 ms after 600 s. after v4.17: 51 ns throughout.` */
export function summarisePlot(lines: readonly PlotLine[]): string {
  const [first] = lines;
  if (first === undefined) return "";
  const runs = lines.map(({ label, series }) =>
    lines.length > 1 ? `${label}: ${summariseSeries(series)}` : summariseSeries(series),
  );
  return `${[first.series.title, ...runs].join(". ")}.`;
}

/** A bucket in a summary: what it is called, and how many samples of all it has. */
export interface SummarisedBucket {
  readonly label: string;
  readonly count: bigint;
}

/** `delay, before v4.5: 10 000 samples, from 2 µs to 1 s, half of them within 5 µs; most in 2 to 5 µs.` */
export function summariseHistogram(
  title: string,
  label: string,
  unit: Unit,
  count: bigint,
  spread: { readonly min: bigint; readonly p50: bigint; readonly max: bigint } | undefined,
  buckets: readonly SummarisedBucket[],
): string {
  const head = label === "" ? title : `${title}, ${label}`;
  const fullest = buckets.reduce<SummarisedBucket | undefined>(
    (best, bucket) => (best === undefined || bucket.count > best.count ? bucket : best),
    undefined,
  );
  if (spread === undefined || fullest === undefined) return `${head}: no sample.`;
  const shown = (value: bigint): string => formatQuantity(value, unit);
  return `${head}: ${formatQuantity(count, "count")} samples from ${shown(spread.min)} to ${shown(spread.max)}, half of them at most ${shown(spread.p50)}; most, ${formatQuantity(fullest.count, "count")}, in ${fullest.label}.`;
}
