import type { Unit } from "../scenario/types.js";
import { baseScale, isNumericUnit, type Scale, scalesFrom } from "../units/dimensions.js";
import { MINUS } from "../units/minus.js";

/** A unit to draw an axis in: drawing only, so the factor is a double. */
export interface AxisScale {
  readonly symbol: string;
  /** Base units per drawn unit. */
  readonly factor: number;
}

const isClockScale = (scale: Scale): boolean => ["min", "h", "d"].includes(scale.symbol);

function largestFitting(unit: Unit, magnitude: number, clockScales: "with" | "without"): AxisScale {
  if (!isNumericUnit(unit)) return { symbol: "", factor: 1 };
  const base = baseScale(unit);
  let fitting: AxisScale = { symbol: base.symbol, factor: 1 };
  for (const scale of scalesFrom(unit)) {
    if (clockScales === "without" && isClockScale(scale)) continue;
    const factor = Number(scale.size / base.size);
    // Two of a unit at least: an hour is better divided into 60 minutes than into itself.
    if (magnitude >= 2 * factor) fitting = { symbol: scale.symbol, factor };
  }
  return fitting;
}

/** The unit for an axis of simulated time, from picoseconds to days. */
export function timeAxisScale(lengthNs: number): AxisScale {
  return largestFitting("ns", lengthNs, "with");
}

/** The unit for values up to `magnitude` base units: decimal, as in the table beside the plot. */
export function valueAxisScale(unit: Unit, magnitude: number): AxisScale {
  return largestFitting(unit, magnitude, "without");
}

const clockSteps: Readonly<Record<string, readonly number[]>> = {
  s: [1, 2, 5, 10, 15, 20, 30],
  min: [1, 2, 5, 10, 15, 20, 30],
  h: [1, 2, 3, 6, 12],
};

/** The smallest step of 1, 2 or 5 times a power of ten (or a division of the clock) that needs at most `most` steps. */
function stepFor(span: number, most: number, symbol: string): number {
  const onClock = clockSteps[symbol]?.find((step) => step * most >= span);
  if (onClock !== undefined) return onClock;
  const magnitude = 10 ** Math.floor(Math.log10(span / most));
  return magnitude * ([1, 2, 5].find((digit) => digit * magnitude * most >= span) ?? 10);
}

/** A labelled place on an axis, in drawn units. */
export interface Tick {
  readonly at: number;
  readonly label: string;
}

/**
 * Round places between `low` and `high`, at most `most` steps apart from end to end.
 *
 * @param low - less than `high`, both in drawn units
 * @param symbol - the axis unit: minutes divide by 15, decimals do not
 */
export function ticksBetween(low: number, high: number, most: number, symbol = ""): readonly Tick[] {
  const step = stepFor(high - low, most, symbol);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks: Tick[] = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++) {
    const [whole = "", fraction] = (index * step).toFixed(decimals).replace("-", MINUS).split(".");
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, " ");
    ticks.push({ at: index * step, label: fraction === undefined ? grouped : `${grouped}.${fraction}` });
  }
  return ticks;
}
