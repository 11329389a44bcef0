/**
 * How the runs of a chart are told apart: each by colour, dashes and the shape of its mark, so that any one of the three
 * is enough. Colours are Okabe and Ito's hues darkened for white and lightened for black paper; red and green never meet.
 */
import { type SymbolType, symbol, symbolCircle, symbolDiamond, symbolSquare, symbolTriangle } from "d3-shape";
import { element, type Html } from "./markup.js";

/** One colour for each scheme of light. */
interface Hue {
  readonly light: string;
  readonly dark: string;
}

/** Before, after, and further runs in their order. */
export const HUES: readonly [Hue, Hue, ...Hue[]] = [
  { light: "#b34700", dark: "#ff9b5e" },
  { light: "#0063a8", dark: "#6fb7ff" },
  { light: "#00705a", dark: "#3cc9a3" },
  { light: "#8a4b7a", dark: "#d99ac7" },
  { light: "#9a6700", dark: "#e3b341" },
  { light: "#5c6370", dark: "#a2abb8" },
];

/** Lengths drawn and left out; the first is solid. */
const DASHES: readonly (string | undefined)[] = [undefined, "7 4", "2 3", "11 4 2 4", "5 2", "1 5", "12 6"];

const SHAPES: readonly SymbolType[] = [symbolCircle, symbolSquare, symbolDiamond, symbolTriangle];

/** Square pixels of a mark. */
const MARK_AREA = 44;

/** Wraps round: with 6 colours, 7 dashes and 4 shapes, no two of the first 84 runs are drawn alike. */
function pick<T>(from: readonly T[], place: number): T | undefined {
  return from[place % from.length];
}

/** The class that gives an element the colour of the run at `place`, as `--run`. */
export function runClass(place: number): string {
  return `run-${place % HUES.length}`;
}

/** Dashes of the line of the run at `place`; undefined is solid. */
export function dashesOf(place: number): string | undefined {
  return pick(DASHES, place);
}

/** The mark of the run at `place`, around the origin. */
export function markOf(place: number): Html {
  const d = symbol(pick(SHAPES, place) ?? symbolCircle, MARK_AREA).digits(2)() ?? "";
  return element("path", { class: "mark", d });
}

/** A sample of a line with its mark, to stand before the name of its run. */
export function lineSample(place: number): Html {
  return element(
    "svg",
    {
      class: `sample ${runClass(place)}`,
      width: 40,
      height: 14,
      viewBox: "0 0 40 14",
      "aria-hidden": "true",
    },
    element("path", { class: "curve", d: "M0,7H40", "stroke-dasharray": dashesOf(place) }),
    element("g", { transform: "translate(20,7)" }, markOf(place)),
  );
}
