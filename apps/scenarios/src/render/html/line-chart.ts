/** Series over time as curves, several on one pair of axes. Doubles place them; every figure is in a table or in the JSON. */
import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { type AxisScale, ticksBetween, timeAxisScale, valueAxisScale } from "../axis-ticks.js";
import { type Curve, mergeLines, type Point } from "../curve.js";
import { type Frame, frameOf, type PlotLine } from "../plot-frame.js";
import { at, chart, type Margins, marginFor, share, stretched, UNITS_ACROSS } from "./chart-frame.js";
import { endLabels } from "./end-labels.js";
import { element, type Html } from "./markup.js";
import { summarisePlot } from "./plot-summary.js";
import { dashesOf, lineSample, markOf, runClass } from "./series-style.js";

const HEIGHT = 240;
const MOST_VALUES = 5;
const MOST_TIMES = 8;
/** Of the times, so many have room on a telephone. */
const FEW_TIMES = 4;
/** A label that begins or ends this close to a side is set against it. */
const EDGE = 0.04 * UNITS_ACROSS;

/** From data to places: across in {@link UNITS_ACROSS}, down in pixels. */
interface Scales {
  readonly x: (atNs: number) => number;
  readonly y: (value: number) => number;
}

function scalesOf({ low, high, lengthNs }: Frame): Scales {
  return {
    x: scaleLinear().domain([0, lengthNs]).range([0, UNITS_ACROSS]),
    y: scaleLinear().domain([low, high]).range([HEIGHT, 0]),
  };
}

interface AxisTick {
  readonly at: number;
  readonly label: string;
}

function valueTicks({ low, high }: Frame, scale: AxisScale, { y }: Scales): readonly AxisTick[] {
  return ticksBetween(low / scale.factor, high / scale.factor, MOST_VALUES).map((tick) => ({
    at: y(tick.at * scale.factor),
    label: tick.label,
  }));
}

function timeTicks({ lengthNs }: Frame, { x }: Scales): readonly AxisTick[] {
  const scale = timeAxisScale(lengthNs);
  return ticksBetween(0, lengthNs / scale.factor, MOST_TIMES, scale.symbol).map((tick) => ({
    at: x(tick.at * scale.factor),
    label: tick.at === 0 ? "0" : `${tick.label} ${scale.symbol}`,
  }));
}

function valueAxis(ticks: readonly AxisTick[]): readonly Html[] {
  return ticks.flatMap(({ at: y, label }) => [
    element("line", { class: "grid", x1: 0, x2: "100%", y1: y, y2: y }),
    element("text", { x: -8, y, dy: "0.35em", "text-anchor": "end" }, label),
  ]);
}

function anchorAt(x: number): "start" | "middle" | "end" {
  if (x < EDGE) return "start";
  return x > UNITS_ACROSS - EDGE ? "end" : "middle";
}

function timeAxis(ticks: readonly AxisTick[]): readonly Html[] {
  const every = Math.ceil(ticks.length / FEW_TIMES);
  return ticks.map(({ at: x, label }, index) =>
    element(
      "g",
      { class: index % every === 0 ? "time" : "time wide" },
      element("line", { class: "tick", x1: share(x), x2: share(x), y1: HEIGHT, y2: HEIGHT + 5 }),
      element("text", { x: share(x), y: HEIGHT + 20, "text-anchor": anchorAt(x) }, label),
    ),
  );
}

/** A curve with the place of the first run it stands for, by which it is drawn: a run looks alike in every chart. */
interface PlacedCurve extends Curve {
  readonly place: number;
}

function placed(lines: readonly PlotLine[], { x, y }: Scales): readonly PlacedCurve[] {
  const curves = mergeLines(
    lines.map((one) => ({
      ...one,
      points: one.series.points.map(
        ([atNs, value]): Point => [Math.round(x(Number(atNs))), Math.round(y(Number(value)))],
      ),
    })),
  );
  return curves.map((curve) => ({
    ...curve,
    place: lines.findIndex(({ label }) => label === curve.labels[0]),
  }));
}

function curvePath({ series, place }: PlacedCurve, { x, y }: Scales): Html {
  const path = line<readonly [bigint, bigint]>()
    .x(([atNs]) => x(Number(atNs)))
    .y(([, value]) => y(Number(value)))
    .digits(1);
  return element("path", {
    class: `curve ${runClass(place)}`,
    d: path(series.points) ?? "",
    "stroke-dasharray": dashesOf(place),
  });
}

function legend(curves: readonly PlacedCurve[]): Html | undefined {
  const named = curves.reduce((sum, { labels }) => sum + labels.length, 0) > 1;
  if (!named) return undefined;
  return element(
    "ul",
    { class: "legend" },
    curves.map(({ labels, place }) => element("li", {}, lineSample(place), " ", labels.join(", "))),
  );
}

/**
 * A chart of one series of every run, under its title and a legend; runs that nobody could tell apart are one curve.
 *
 * @param lines - series of one unit
 * @returns undefined when no line has two points
 */
export function lineChart(lines: readonly PlotLine[]): Html | undefined {
  const [first] = lines;
  if (first === undefined || lines.every(({ series }) => series.points.length < 2)) return undefined;
  const frame = frameOf(lines);
  const scales = scalesOf(frame);
  const unit = valueAxisScale(first.series.unit, Math.max(Math.abs(frame.low), Math.abs(frame.high)));
  const values = valueTicks(frame, unit, scales);
  const curves = placed(lines, scales);
  const ends = endLabels(curves, HEIGHT);
  const margins: Margins = {
    top: 12,
    right: Math.max(marginFor(ends.texts), 12),
    bottom: 28,
    left: marginFor(values.map(({ label }) => label)),
  };
  const marks = curves.map(({ points, place }) => {
    const [x, y] = points.at(-1) ?? [0, 0];
    return at(x, y, element("g", { class: runClass(place) }, markOf(place)));
  });
  return element(
    "figure",
    { class: "plot" },
    element("figcaption", {}, first.series.title, unit.symbol === "" ? undefined : ` (${unit.symbol})`),
    legend(curves),
    chart(
      summarisePlot(lines),
      HEIGHT,
      margins,
      valueAxis(values),
      timeAxis(timeTicks(frame, scales)),
      element("line", { class: "axis", x1: 0, x2: "100%", y1: HEIGHT, y2: HEIGHT }),
      stretched(HEIGHT, ...curves.map((curve) => curvePath(curve, scales))),
      marks,
      ends.drawn,
    ),
  );
}
