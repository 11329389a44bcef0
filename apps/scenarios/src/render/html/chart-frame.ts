/**
 * What charts have in common: an SVG that is as wide as the page lets it. Across, everything is placed in shares of the
 * width; down, in pixels; so that letters and lines keep their size from a telephone to a wide screen, without a script.
 */
import { element, type Html } from "./markup.js";

/** What curves are drawn in: so many units across, stretched over the width. Lines keep their thickness. */
export const UNITS_ACROSS = 1000;

/** Pixels of a character of a chart's text, on the safe side. */
const CHARACTER = 7;
const GAP = 8;

/** Pixels that labels of a chart take on one of its sides. */
export function marginFor(labels: readonly string[]): number {
  return Math.max(0, ...labels.map((label) => label.length)) * CHARACTER + GAP;
}

/** Where the labels of a chart stand outside of what it draws, in pixels. */
export interface Margins {
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly left: number;
}

/** A share of the width as SVG has it, from `x` of {@link UNITS_ACROSS}. */
export function share(x: number): string {
  return `${Number(((x / UNITS_ACROSS) * 100).toFixed(3)) + 0}%`;
}

/**
 * A chart as one image with its summary in words.
 *
 * @param summary - what a reader who does not see it is told
 * @param height - pixels of what is drawn between the margins
 */
export function chart(
  summary: string,
  height: number,
  { top, right, bottom, left }: Margins,
  ...children: readonly (Html | readonly Html[])[]
): Html {
  return element(
    "svg",
    {
      class: "chart",
      role: "img",
      "aria-label": summary,
      height,
      style: `margin:${top}px ${right}px ${bottom}px ${left}px;width:calc(100% - ${left + right}px)`,
    },
    ...children,
  );
}

/** A place in a chart that what is drawn around its origin is moved to: `transform` knows no shares of the width. */
export function at(x: number, y: number, ...children: readonly Html[]): Html {
  return element("svg", { x: share(x), y, class: "at" }, ...children);
}

/** Curves of a chart: across in {@link UNITS_ACROSS}, down in pixels. */
export function stretched(height: number, ...children: readonly Html[]): Html {
  return element(
    "svg",
    { viewBox: `0 0 ${UNITS_ACROSS} ${height}`, preserveAspectRatio: "none", width: "100%", height },
    ...children,
  );
}
