/** What a line plot is drawn from, and the ranges its axes have. */
import type { PlacedLine } from "./curve.js";

/** One run's series; the key stands for the label where the line ends. */
export type PlotLine = Omit<PlacedLine, "points">;

/** What a plot spans: values in base units, time from its start. Doubles, for drawing only. */
export interface Frame {
  readonly low: number;
  readonly high: number;
  readonly lengthNs: number;
}

/** The range of all lines; zero is on the axis unless the values keep far from it. */
export function frameOf(lines: readonly PlotLine[]): Frame {
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
