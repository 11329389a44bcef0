/** Distributions as bars, bucket by bucket, the runs beside each other on one scale, and their quantiles below. */
import type { Bucket, Distribution, Quantiles, Unit } from "../scenario/types.js";
import { formatQuantity } from "../units/format-quantity.js";
import { groupThousands } from "../units/group-thousands.js";
import { alignedTable } from "./aligned-table.js";
import { columnGroups } from "./column-groups.js";
import type { Style } from "./style.js";
import { visibleWidth } from "./visible-width.js";
import { hang, NO_BREAK, wrap, wrapHead } from "./wrap.js";

export interface Histogram {
  readonly label: string;
  /** Stands for the label where there is little room. */
  readonly key: string;
  readonly distribution: Distribution;
}

/** Shorter bars tell a third from a half no more. */
const MIN_BAR = 6;
const MAX_BAR = 32;
const GAP = 2;
/** One to eight eighths of a character cell, from the left (U+258F … U+2588). */
const EIGHTHS = ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];
/** Buckets without a sample in any run, from this many on, are one line. */
const ELLIPSIS_FROM = 2;

/** A bar of `count` where `most` fills `width` cells, in eighths of a cell; one sample shows, however many there are. */
function bar(count: bigint, most: bigint, width: number): string {
  if (count === 0n) return "";
  const eighths = Number((count * BigInt(8 * width) + most / 2n) / most);
  const shown = Math.max(1, eighths);
  return "█".repeat(Math.floor(shown / 8)) + (shown % 8 === 0 ? "" : (EIGHTHS[(shown % 8) - 1] ?? ""));
}

/** `2 to 5 µs`, or `500 ns to 1 µs` where the unit changes: the upper bound is not in the bucket. */
export function bucketLabel({ from, to }: Pick<Bucket, "from" | "to">, unit: Unit): string {
  const low = formatQuantity(from, unit);
  const high = formatQuantity(to, unit);
  const lowUnit = low.slice(low.search(/[^\d]*$/));
  return lowUnit !== "" && (from === 0n || high.endsWith(lowUnit))
    ? `${low.slice(0, low.length - lowUnit.length)} to ${high}`
    : `${low} to ${high}`;
}

export interface BucketRow {
  readonly label: string;
  /** One count per run; none in a line that stands for empty buckets. */
  readonly counts: readonly bigint[];
}

/** Every bucket from the lowest to the highest of any run, with each run's count; long empty stretches in one row. */
export function bucketRows(histograms: readonly Histogram[], unit: Unit): readonly BucketRow[] {
  const bounds = new Map<bigint, bigint>();
  for (const { distribution } of histograms) {
    for (const { from, to } of distribution.buckets) bounds.set(from, to);
  }
  const counts = histograms.map(
    ({ distribution }) => new Map(distribution.buckets.map(({ from, count }) => [from, count])),
  );
  const ascending = [...bounds].sort(([a], [b]) => (a < b ? -1 : 1));
  const rows: BucketRow[] = [];
  let empty: BucketRow[] = [];
  let isGap = false;
  let end: bigint | undefined;
  for (const [from, to] of ascending) {
    const row = { label: bucketLabel({ from, to }, unit), counts: counts.map((run) => run.get(from) ?? 0n) };
    // Between the ranges of two runs there may be buckets that neither has.
    isGap ||= end !== undefined && end !== from;
    end = to;
    if (row.counts.every((count) => count === 0n)) {
      empty.push(row);
      continue;
    }
    rows.push(...(isGap || empty.length >= ELLIPSIS_FROM ? [{ label: "…", counts: [] }] : empty), row);
    empty = [];
    isGap = false;
  }
  return rows;
}

/** What all groups of bars share. */
interface BarLayout {
  readonly unit: Unit;
  /** The count that fills a bar, whichever run it is of. */
  readonly most: bigint;
  /** Columns of a count, and of a full bar. */
  readonly digits: number;
  readonly bar: number;
  /** A run alone needs none. */
  readonly heads: "heads" | "no heads";
}

/** Runs side by side: a count and a bar for every bucket that any of them has. */
function barTable(histograms: readonly Histogram[], layout: BarLayout, style: Style): readonly string[] {
  const { unit, most, digits, bar: length } = layout;
  const heads = histograms.map(({ label }) => wrapHead(label, digits + 1 + length));
  const height = Math.max(...heads.map((lines) => lines.length));
  const headRows = Array.from({ length: height }, (_, line) => [
    "",
    // A shorter head begins further down, so that all stand on the bars.
    ...heads.map((lines) => style.heading(lines[line - height + lines.length] ?? "")),
  ]);
  const cell = (count: bigint): string =>
    count === 0n ? "" : `${groupThousands(count).padStart(digits)} ${bar(count, most, length)}`;
  const body = bucketRows(histograms, unit).map(({ label, counts }) => [
    label,
    ...histograms.map((_, run) => cell(counts[run] ?? 0n)),
  ]);
  return alignedTable(
    [...(layout.heads === "heads" ? headRows : []), ...body],
    ["right", ...histograms.map(() => "left" as const)],
  );
}

/** Every run on one scale, as many beside each other as leave room for bars. */
function bars(histograms: readonly Histogram[], unit: Unit, width: number, style: Style): readonly string[] {
  const rows = bucketRows(histograms, unit);
  const most = rows.flatMap(({ counts }) => counts).reduce((a, b) => (a > b ? a : b), 0n);
  const digits = groupThousands(most).length;
  const margin = Math.max(0, ...rows.map(({ label }) => label.length));
  const least = digits + 1 + MIN_BAR;
  const needed = histograms.map(({ label }) =>
    Math.max(...wrapHead(label, least).map((line) => line.length), least),
  );
  const groups = columnGroups(margin, needed, width) ?? histograms.map((_, run) => [run]);
  const widest = Math.max(...groups.map((members) => members.length));
  const room = Math.floor((width - margin) / widest) - GAP - digits - 1;
  const layout: BarLayout = {
    unit,
    most,
    digits,
    bar: Math.max(MIN_BAR, Math.min(MAX_BAR, room)),
    heads: histograms.length > 1 ? "heads" : "no heads",
  };
  return groups.flatMap((members, index) => [
    ...(index > 0 ? [""] : []),
    ...barTable(
      members.flatMap((run) => histograms[run] ?? []),
      layout,
      style,
    ),
  ]);
}

/** Heads of the columns of a table of quantiles. */
export const QUANTILES: ReadonlyArray<readonly [title: string, name: keyof Quantiles]> = [
  ["min", "min"],
  ["p50", "p50"],
  ["p90", "p90"],
  ["p99", "p99"],
  ["p99.9", "p999"],
  ["max", "max"],
  ["mean", "mean"],
];
/** Enough to tell orders of magnitude apart; `--json` has every digit. */
const QUANTILE_DIGITS = 3;

/** `10 000 samples each`, or nothing where the runs have more or less. */
function commonCount(histograms: readonly Histogram[]): string {
  const counts = new Set(histograms.map(({ distribution }) => distribution.count));
  const [count = 0n] = counts;
  if (counts.size > 1) return "";
  const samples = `${groupThousands(count)} ${count === 1n ? "sample" : "samples"}`;
  return histograms.length > 1 ? `${samples} each` : samples;
}

/** A line of quantiles per run, under common heads where they fit. */
function quantileLines(histograms: readonly Histogram[], width: number): readonly string[] {
  const titles = QUANTILES.map(([title]) => title);
  const cells = histograms.map(({ distribution: { quantiles, unit } }) =>
    QUANTILES.map(([, name]) =>
      quantiles === undefined ? "–" : formatQuantity(quantiles[name], unit, { digits: QUANTILE_DIGITS }),
    ),
  );
  if (commonCount(histograms) === "") {
    titles.unshift("samples");
    for (const [run, row] of cells.entries()) {
      row.unshift(groupThousands(histograms[run]?.distribution.count ?? 0n));
    }
  }
  for (const called of ["label", "key"] as const) {
    // A run alone needs no label.
    const labels = histograms.map((histogram) => (histograms.length > 1 ? [histogram[called]] : []));
    const corner = histograms.length > 1 ? [""] : [];
    const lines = alignedTable(
      [[...corner, ...titles], ...cells.map((row, run) => [...(labels[run] ?? []), ...row])],
      [...corner.map(() => "left" as const), ...titles.map(() => "right" as const)],
    );
    if (lines.every((line) => visibleWidth(line) <= width)) return lines;
  }
  return cells.flatMap((row, run) => {
    const pairs = row.map((text, place) => `${titles[place] ?? ""}${NO_BREAK}${text}`).join(", ");
    return hang("-", histograms.length > 1 ? `${histograms[run]?.label}: ${pairs}` : pairs, 2, width);
  });
}

/**
 * Lines of a histogram for every run: a row per bucket, a bar and a count per run, on one scale for all; then a line of
 * quantiles per run. Runs that do not fit beside each other are set in groups.
 *
 * @param histograms - of one unit
 * @returns nothing when no run has a sample
 */
export function renderHistogram(
  histograms: readonly Histogram[],
  width: number,
  style: Style,
): readonly string[] {
  const [first] = histograms;
  if (first === undefined || histograms.every(({ distribution }) => distribution.count === 0n)) return [];
  const { title, unit } = first.distribution;
  return [
    ...wrap([title, commonCount(histograms)].filter((part) => part !== "").join(", "), width),
    ...bars(histograms, unit, width, style),
    "",
    ...quantileLines(histograms, width),
  ];
}
