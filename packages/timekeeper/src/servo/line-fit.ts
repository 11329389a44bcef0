import { divideToNearest } from "./signed-division.js";

/**
 * The straight line through points, by least squares, in exact integers.
 *
 * With x counted from the newest point, n·Σxy − Σx·Σy over D = n·Σx² − (Σx)² is the slope, and Σy·Σx² − Σx·Σxy over D the
 * height at the newest point. Nothing is rounded but these two quotients.
 */

/** A point of {@link fitLine}; x is a time in ns. */
export interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

/** Both to nearest, ties away from zero. */
export interface FittedLine {
  /** y per x. */
  readonly slope: bigint;
  /** y at the newest point. */
  readonly newest: bigint;
}

/** The line through `points`, the newest of which is the last; undefined unless two of them differ in x. */
export function fitLine(points: readonly Point[]): FittedLine | undefined {
  const last = points.at(-1);
  if (last === undefined) return undefined;
  const n = BigInt(points.length);
  let sumX = 0n;
  let sumY = 0n;
  let sumXX = 0n;
  let sumXY = 0n;
  for (const point of points) {
    const x = point.x - last.x;
    const y = point.y - last.y;
    sumX += x;
    sumY += y;
    sumXX += x * x;
    sumXY += x * y;
  }
  const d = n * sumXX - sumX * sumX;
  if (d === 0n) return undefined;
  return {
    slope: divideToNearest(n * sumXY - sumX * sumY, d),
    newest: last.y + divideToNearest(sumY * sumXX - sumX * sumXY, d),
  };
}
