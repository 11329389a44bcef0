/** The keys of curves beside where they end, kept apart where curves end together. */
import type { Curve } from "../curve.js";
import { at, UNITS_ACROSS } from "./chart-frame.js";
import { element, type Html } from "./markup.js";
import { runClass } from "./series-style.js";

/** Two curves are told apart by dashes and colour; more are named where they end. */
const MAX_BY_LEGEND = 2;
/** Pixels from one label to the next. */
const LINE = 14;
/** Pixels from the end of a curve to its label. */
const REACH = 14;

/** A curve, and the place of its run among the runs. */
type EndingCurve = Pick<Curve, "keys" | "points"> & { readonly place: number };

/** Labels right of a chart. */
export interface EndLabels {
  readonly texts: readonly string[];
  readonly drawn: readonly Html[];
}

/**
 * Places at least `gap` apart and inside 0 … `height`, each as near to where it should be as those before it let it.
 *
 * @param wanted - where each should be, in any order
 * @example
 * spread([10, 10, 50], 14, 240) // => [ 10, 24, 50 ]
 * spread([240, 240], 14, 240) // => [ 226, 240 ]
 */
export function spread(wanted: readonly number[], gap: number, height: number): readonly number[] {
  const order = wanted.map((_, place) => place).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0) || a - b);
  const places = [...wanted];
  let free = 0;
  for (const place of order) {
    places[place] = Math.max(places[place] ?? 0, free);
    free = (places[place] ?? 0) + gap;
  }
  // What was pushed out at the bottom comes back up, and takes along what is in its way.
  let limit = height;
  for (const place of [...order].reverse()) {
    places[place] = Math.min(places[place] ?? 0, limit);
    limit = (places[place] ?? 0) - gap;
  }
  return places;
}

/** Keys of runs that fall together; of more than two the first and how many more, which the legend names. */
function shortened(keys: readonly string[]): string {
  return keys.length > 2 ? `${keys[0] ?? ""} +${keys.length - 1}` : keys.join(", ");
}

/** The keys of `curves` where they end, each with a line to its curve; none where a legend is enough. */
export function endLabels(curves: readonly EndingCurve[], height: number): EndLabels {
  if (curves.length <= MAX_BY_LEGEND) return { texts: [], drawn: [] };
  const ends = curves.map(({ points }) => points.at(-1)?.[1] ?? 0);
  const places = spread(ends, LINE, height);
  const texts = curves.map(({ keys }) => shortened(keys));
  return {
    // Blanks stand for the line that leads there.
    texts: texts.map((text) => `  ${text}`),
    drawn: texts.map((text, index) => {
      const y = places[index] ?? 0;
      return at(
        UNITS_ACROSS,
        0,
        element(
          "g",
          { class: runClass(curves[index]?.place ?? 0) },
          element("path", { class: "leader", d: `M6,${ends[index] ?? 0}L${REACH - 2},${y}` }),
          element("text", { class: "key", x: REACH, y, dy: "0.35em" }, text),
        ),
      );
    }),
  };
}
