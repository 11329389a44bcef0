/** A curve of a plot: dots joined by straight segments, dashed so that curves are told apart without colour. */
import type { Series } from "../scenario/types.js";
import type { BrailleCanvas } from "./braille-canvas.js";

/** Dots drawn and left out along a line, by its place in the legend. */
const DASHES: ReadonlyArray<readonly [drawn: number, left: number]> = [
  [1, 0],
  [2, 2],
  [1, 3],
  [4, 2],
];

export type Point = readonly [x: number, y: number];

/**
 * Draws straight segments between dots (Bresenham), dashed along the way.
 *
 * @param index - place in the legend, which picks the dashes
 */
export function drawLine(canvas: BrailleCanvas, points: readonly Point[], index: number): void {
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

/** One run's line, and the dots it falls on. */
export interface PlacedLine {
  readonly label: string;
  /** Stands for the label where there is little room. */
  readonly key: string;
  readonly series: Series;
  readonly points: readonly Point[];
}

/** Runs whose lines fall on the same dots: drawn once, named together. */
export interface Curve extends Pick<PlacedLine, "series" | "points"> {
  readonly labels: readonly string[];
  readonly keys: readonly string[];
}

const samePoints = (a: readonly Point[], b: readonly Point[]): boolean =>
  a.length === b.length && a.every(([x, y], index) => b[index]?.[0] === x && b[index]?.[1] === y);

/** Curves in the order of their first lines, each with the series of the first. */
export function mergeLines(lines: readonly PlacedLine[]): readonly Curve[] {
  const curves: Curve[] = [];
  for (const { label, key, series, points } of lines) {
    const at = curves.findIndex((curve) => samePoints(curve.points, points));
    const same = curves[at];
    if (same === undefined) curves.push({ labels: [label], keys: [key], series, points });
    else curves[at] = { ...same, labels: [...same.labels, label], keys: [...same.keys, key] };
  }
  return curves;
}
