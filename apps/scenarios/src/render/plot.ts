/** A line plot in braille dots with both axes in real units. Doubles here place dots and print nothing else. */
import type { Series } from "../scenario/types.js";
import { type AxisScale, ticksBetween, timeAxisScale, valueAxisScale } from "./axis-ticks.js";
import { BrailleCanvas, brailleCharacter, DOTS_PER_CELL_Y } from "./braille-canvas.js";
import type { Style } from "./style.js";
import { visibleWidth } from "./visible-width.js";

export interface PlotLine {
  readonly label: string;
  readonly series: Series;
}

const ROWS = 7;
const MAX_VALUE_STEPS = 4;
/** Columns a time label takes with some air. */
const TIME_LABEL_COLUMNS = 14;
const LEGEND_COLUMNS = 4;
const LEGEND_GAP = "   ";

/** Dots drawn and left out along a line, by its place in the legend: lines are told apart without colour. */
const DASHES: ReadonlyArray<readonly [drawn: number, left: number]> = [
  [1, 0],
  [2, 2],
  [1, 3],
  [4, 2],
];

type Point = readonly [x: number, y: number];

/** Draws straight segments between dots (Bresenham), dashed along the way. */
function drawLine(canvas: BrailleCanvas, points: readonly Point[], index: number): void {
  const [drawn, left] = DASHES[index % DASHES.length] ?? [1, 0];
  let travelled = 0;
  let [previous] = points;
  if (previous === undefined) return;
  canvas.set(previous[0], previous[1]);
  for (const point of points) {
    let [x, y] = previous;
    const dx = Math.abs(point[0] - x);
    const dy = -Math.abs(point[1] - y);
    let error = dx + dy;
    while (x !== point[0] || y !== point[1]) {
      const twice = 2 * error;
      if (twice >= dy) {
        error += dy;
        x += Math.sign(point[0] - x);
      }
      if (twice <= dx) {
        error += dx;
        y += Math.sign(point[1] - y);
      }
      travelled++;
      if (travelled % (drawn + left) < drawn) canvas.set(x, y);
    }
    previous = point;
  }
}

interface Frame {
  readonly low: number;
  readonly high: number;
  readonly lengthNs: number;
}

/** The range of all lines; zero is on the axis unless the values keep far from it. */
function frameOf(lines: readonly PlotLine[]): Frame {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let lengthNs = 1;
  for (const { series } of lines) {
    for (const [atNs, value] of series.points) {
      low = Math.min(low, Number(value));
      high = Math.max(high, Number(value));
      lengthNs = Math.max(lengthNs, Number(atNs));
    }
  }
  if (low > 0 && low < high / 2) low = 0;
  if (high < 0 && high > low / 2) high = 0;
  if (low === high) return low > 0 ? { low: 0, high, lengthNs } : { low, high: low + 1, lengthNs };
  return { low, high, lengthNs };
}

/** A sample of each line beside its label, as many to a row as fit after `title`, or below it. */
function legend(title: string, lines: readonly PlotLine[], width: number, style: Style): readonly string[] {
  const entries = lines.map(({ label }, index) => {
    const canvas = new BrailleCanvas(LEGEND_COLUMNS, 1);
    const middle = 1;
    drawLine(canvas, [[0, middle] as const, [canvas.widthDots - 1, middle] as const], index);
    const sample = Array.from({ length: LEGEND_COLUMNS }, (_, column) =>
      brailleCharacter(canvas.bitsAt(column, 0)),
    );
    return `${style.line(index, sample.join(""))} ${label}`;
  });
  const together = [title, ...entries].join(LEGEND_GAP);
  if (visibleWidth(together) <= width) return [together];
  const rows: string[] = [];
  for (const entry of entries) {
    const longer = [...rows.slice(-1), entry].join(LEGEND_GAP);
    if (rows.length > 0 && visibleWidth(longer) <= width) rows[rows.length - 1] = longer;
    else rows.push(entry);
  }
  return [title, ...rows];
}

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

/**
 * Lines of a plot with every series overlaid: title and unit, legend, seven rows, time axis. Lines differ in dash
 * pattern as well as in colour.
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
  const columns = Math.max(8, width - labelColumns - 2);
  const canvases = lines.map(({ series }, index) => {
    const canvas = new BrailleCanvas(columns, ROWS);
    const points = series.points.map(
      ([atNs, value]) =>
        [
          Math.round((Number(atNs) / frame.lengthNs) * (canvas.widthDots - 1)),
          dotRow(Number(value), frame),
        ] as const,
    );
    drawLine(canvas, points, index);
    return canvas;
  });
  const rows = Array.from({ length: ROWS }, (_, row) => {
    const label = labels.get(row);
    const cells = Array.from({ length: columns }, (_, column) => cell(canvases, column, row, style));
    const axis = label === undefined ? "│" : "┤";
    return `${(label ?? "").padStart(labelColumns)} ${axis}${cells.join("").trimEnd()}`;
  });
  const [rule, times] = timeAxis(frame.lengthNs, columns);
  const margin = " ".repeat(labelColumns + 1);
  const title = scale.symbol === "" ? first.series.title : `${first.series.title} (${scale.symbol})`;
  const head = lines.length > 1 ? legend(title, lines, width, style) : [title];
  return [...head, ...rows, `${margin}└${rule}`, `${margin} ${times}`];
}
