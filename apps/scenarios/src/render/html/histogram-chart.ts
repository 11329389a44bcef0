/** Distributions as bars: a panel for every run, all with the same buckets and on one scale, and their quantiles. */
import { scaleBand, scaleLinear } from "d3-scale";
import { formatQuantity } from "../../units/format-quantity.js";
import { groupThousands } from "../../units/group-thousands.js";
import { type BucketRow, bucketRows, type Histogram, QUANTILES } from "../histogram.js";
import { chart, type Margins, marginFor, share, UNITS_ACROSS } from "./chart-frame.js";
import { exactly } from "./exactly.js";
import { element, type Html } from "./markup.js";
import { summariseHistogram } from "./plot-summary.js";
import { runClass } from "./series-style.js";
import { dataTable } from "./table.js";

/** Pixels of a bucket, the air around its bar included. */
const ROW = 22;
const AIR = 0.25;
/** Of the units across: a bucket with a sample shows, however few it has. */
const LEAST_BAR = 2;

interface Layout {
  readonly rows: readonly BucketRow[];
  readonly most: bigint;
  readonly margins: Margins;
}

function layoutOf(histograms: readonly Histogram[], rows: readonly BucketRow[]): Layout {
  const most = rows.flatMap(({ counts }) => counts).reduce((a, b) => (a > b ? a : b), 0n);
  const left = marginFor(rows.map(({ label }) => label));
  const right = marginFor(histograms.length === 0 ? [] : [groupThousands(most)]);
  return { rows, most, margins: { top: 4, right, bottom: 4, left } };
}

function panel(histogram: Histogram, run: number, runs: number, { rows, most, margins }: Layout): Html {
  const { label, distribution } = histogram;
  const height = rows.length * ROW;
  const bands = scaleBand<number>()
    .domain(rows.keys())
    .range([0, height])
    .paddingInner(AIR)
    .paddingOuter(AIR / 2);
  const across = scaleLinear()
    .domain([0, Number(most)])
    .range([0, UNITS_ACROSS]);
  const bars = rows.flatMap(({ label: bucket, counts }, index) => {
    const count = counts[run] ?? 0n;
    const y = bands(index) ?? 0;
    const middle = y + bands.bandwidth() / 2;
    const name = element("text", { x: -8, y: middle, dy: "0.35em", "text-anchor": "end" }, bucket);
    if (count === 0n) return [name];
    const x = across(Number(count));
    return [
      name,
      element("rect", { class: "bar", y, width: share(Math.max(x, LEAST_BAR)), height: bands.bandwidth() }),
      element("text", { x: share(x), dx: 6, y: middle, dy: "0.35em" }, groupThousands(count)),
    ];
  });
  const buckets = rows.map(({ label: bucket, counts }) => ({ label: bucket, count: counts[run] ?? 0n }));
  const { title, unit, count, quantiles } = distribution;
  const summary = summariseHistogram(title, runs > 1 ? label : "", unit, count, quantiles, buckets);
  return element(
    "div",
    { class: `panel ${runClass(run)}` },
    runs > 1 ? element("p", { class: "run-name" }, label) : undefined,
    chart(summary, height, margins, element("line", { class: "axis", y2: height }), bars),
  );
}

function quantileTable(histograms: readonly Histogram[]): Html {
  return dataTable({
    caption: "Quantiles, which are samples, and the mean of all",
    heads: ["run", "samples", ...QUANTILES.map(([title]) => title)],
    rows: histograms.map(({ label, distribution: { count, quantiles, unit } }) => ({
      head: label,
      cells: [
        exactly(count, formatQuantity(count, "count")),
        ...QUANTILES.map(([, name]) =>
          quantiles === undefined ? "–" : exactly(quantiles[name], formatQuantity(quantiles[name], unit)),
        ),
      ],
    })),
  });
}

/**
 * A panel of bars for every run, and a table of quantiles.
 *
 * @param histograms - of one unit
 * @returns undefined when no run has a sample
 */
export function histogramChart(histograms: readonly Histogram[]): Html | undefined {
  const [first] = histograms;
  if (first === undefined || histograms.every(({ distribution }) => distribution.count === 0n)) {
    return undefined;
  }
  const layout = layoutOf(histograms, bucketRows(histograms, first.distribution.unit));
  return element(
    "figure",
    { class: "plot" },
    element("figcaption", {}, first.distribution.title),
    element(
      "div",
      { class: "panels" },
      histograms.map((histogram, run) => panel(histogram, run, histograms.length, layout)),
    ),
    quantileTable(histograms),
  );
}
