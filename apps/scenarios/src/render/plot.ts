/** A line plot in braille dots with both axes in real units. Doubles here place dots and print nothing else. */
import type { Series } from "../scenario/types.js";
import { type AxisScale, ticksBetween, timeAxisScale, valueAxisScale } from "./axis-ticks.js";
import { BrailleCanvas, brailleCharacter, DOTS_PER_CELL_X, DOTS_PER_CELL_Y } from "./braille-canvas.js";
import { drawLine, mergeLines, type Point } from "./curve.js";
import { type Frame, frameOf, type PlotLine } from "./plot-frame.js";
import { curveEnds, plotLegend } from "./plot-legend.js";
import type { Style } from "./style.js";

const ROWS = 7;
const MAX_VALUE_STEPS = 4;
/** Columns a time label takes with some air. */
const TIME_LABEL_COLUMNS = 14;

/** Value axis labels by row, one to a row; a round value less than half a row outside labels the outermost row. */
function valueLabels(frame: Frame, scale: AxisScale): ReadonlyMap<number, string> {
  const labels = new Map<number, string>();
  const low = frame.low / scale.factor;
  const high = frame.high / scale.factor;
  const slack = (high - low) / (3 * ROWS);
  for (const tick of ticksBetween(low - slack, high + slack, MAX_VALUE_STEPS)) {
    const row = Math.floor(dotRow(tick.at * scale.factor, frame) / DOTS_PER_CELL_Y);
    labels.set(Math.min(Math.max(row, 0), ROWS - 1), tick.label);
  }
  return labels;
}

function dotRow(value: number, frame: Frame): number {
  return Math.round(((frame.high - value) / (frame.high - frame.low)) * (ROWS * DOTS_PER_CELL_Y - 1));
}

/** The line under the plot and the labels under that. */
function timeAxis(lengthNs: number, columns: number): readonly [string, string] {
  const scale = timeAxisScale(lengthNs);
  const rule = Array.from({ length: columns }, () => "─");
  let labels = "";
  const most = Math.max(1, Math.floor(columns / TIME_LABEL_COLUMNS));
  for (const { at, label } of ticksBetween(0, lengthNs / scale.factor, most, scale.symbol)) {
    const column = Math.round(((at * scale.factor) / lengthNs) * (columns - 1));
    const text = at === 0 ? "0" : `${label} ${scale.symbol}`;
    const start = Math.max(0, Math.min(column - Math.floor(text.length / 2), columns - text.length));
    if (start < labels.length + 1 && labels !== "") continue;
    rule[column] = "┬";
    labels = labels.padEnd(start) + text;
  }
  return [rule.join(""), labels];
}

function cell(canvases: readonly BrailleCanvas[], column: number, row: number, style: Style): string {
  const drawn = canvases.map((canvas) => canvas.bitsAt(column, row));
  const character = brailleCharacter(drawn.reduce((all, bits) => all | bits, 0));
  const owners = drawn.flatMap((bits, index) => (bits === 0 ? [] : [index]));
  const [owner] = owners;
  return owner !== undefined && owners.length === 1 ? style.line(owner, character) : character;
}

/** The dots of a series in a plot so many columns wide. */
function place(series: Series, frame: Frame, columns: number): readonly Point[] {
  const lastDot = columns * DOTS_PER_CELL_X - 1;
  return series.points.map(
    ([atNs, value]) =>
      [Math.round((Number(atNs) / frame.lengthNs) * lastDot), dotRow(Number(value), frame)] as const,
  );
}

/**
 * Lines of a plot with every series overlaid: title and unit, legend, seven rows, time axis. Lines differ in dash
 * pattern as well as in colour, more than two have their keys where they end, and those that fall together are one.
 *
 * @param lines - series of one unit
 * @param width - columns it may take
 * @returns nothing when no line has two points
 */
export function renderPlot(lines: readonly PlotLine[], width: number, style: Style): readonly string[] {
  const [first] = lines;
  if (first === undefined || lines.every(({ series }) => series.points.length < 2)) return [];
  const frame = frameOf(lines);
  const scale = valueAxisScale(first.series.unit, Math.max(Math.abs(frame.low), Math.abs(frame.high)));
  const labels = valueLabels(frame, scale);
  const labelColumns = Math.max(...[...labels.values()].map((label) => label.length));
  const room = Math.max(8, width - labelColumns - 2);
  // What falls together is decided at full width; the rows curves end in stay the same when their ends take some of it.
  const curves = mergeLines(lines.map((line) => ({ ...line, points: place(line.series, frame, room) })));
  const ends = curveEnds(curves, ROWS, Math.floor(room / 3), style);
  const columns = room - ends.width;
  const canvases = curves.map(({ series }, index) => {
    const canvas = new BrailleCanvas(columns, ROWS);
    drawLine(canvas, place(series, frame, columns), index);
    return canvas;
  });
  const rows = Array.from({ length: ROWS }, (_, row) => {
    const label = labels.get(row);
    const cells = Array.from({ length: columns }, (_, column) => cell(canvases, column, row, style));
    const axis = label === undefined ? "│" : "┤";
    const line = `${(label ?? "").padStart(labelColumns)} ${axis}${cells.join("")}`;
    return `${line}${ends.texts[row] ?? ""}`.trimEnd();
  });
  const [rule, times] = timeAxis(frame.lengthNs, columns);
  const margin = " ".repeat(labelColumns + 1);
  const title = scale.symbol === "" ? first.series.title : `${first.series.title} (${scale.symbol})`;
  const head = lines.length > 1 ? plotLegend(title, curves, ends, width, style) : [title];
  return [...head, ...rows, `${margin}└${rule}`, `${margin} ${times}`];
}
