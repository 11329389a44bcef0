/** Which curve of a plot is which: samples of their dashes under the title, and their keys where they end. */
import { BrailleCanvas, brailleCharacter, DOTS_PER_CELL_Y } from "./braille-canvas.js";
import { type Curve, drawLine } from "./curve.js";
import type { Style } from "./style.js";
import { visibleWidth } from "./visible-width.js";
import { hang } from "./wrap.js";

const SAMPLE_COLUMNS = 4;
const GAP = "   ";
/** Two curves are told apart by their dashes; more, by the keys where they end. */
const MAX_BY_DASHES = 2;

function sampleOf(index: number, style: Style): string {
  const canvas = new BrailleCanvas(SAMPLE_COLUMNS, 1);
  const middle = 1;
  drawLine(canvas, [[0, middle] as const, [canvas.widthDots - 1, middle] as const], index);
  const dots = Array.from({ length: SAMPLE_COLUMNS }, (_, column) =>
    brailleCharacter(canvas.bitsAt(column, 0)),
  );
  return style.line(index, dots.join(""));
}

/** What stands right of each row of a plot. */
export interface CurveEnds {
  readonly texts: readonly string[];
  /** Columns they take, the gap before them included. */
  readonly width: number;
}

/** Labels of a curve; a key that stands where it ends is told unless the label begins with it. */
function labelsOf({ labels, keys }: Curve, ends: CurveEnds): string {
  return labels
    .map((label, index) => {
      const key = keys[index] ?? "";
      return ends.width === 0 || label.startsWith(key) ? label : `${key}: ${label}`;
    })
    .join(", ");
}

/** A sample of each curve beside its labels, as many to a row as fit after `title`, or below it. */
export function plotLegend(
  title: string,
  curves: readonly Curve[],
  ends: CurveEnds,
  width: number,
  style: Style,
): readonly string[] {
  const entries = curves.map((curve, index) => ({
    sample: sampleOf(index, style),
    text: labelsOf(curve, ends),
  }));
  const together = [title, ...entries.map(({ sample, text }) => `${sample} ${text}`)].join(GAP);
  if (visibleWidth(together) <= width) return [together];
  const rows: string[] = [];
  /** The row that the next entry may join; one whose labels took more than a line is closed. */
  let open: string | undefined;
  for (const { sample, text } of entries) {
    const longer = open === undefined ? undefined : [open, `${sample} ${text}`].join(GAP);
    if (longer !== undefined && visibleWidth(longer) <= width) {
      rows[rows.length - 1] = longer;
      open = longer;
    } else {
      const [first = "", ...more] = hang("", text, SAMPLE_COLUMNS + 1, width);
      const row = `${sample}${first.slice(SAMPLE_COLUMNS)}`;
      rows.push(row, ...more);
      open = more.length === 0 ? row : undefined;
    }
  }
  return [title, ...rows];
}

/**
 * The keys of the curves beside the rows they end in, those of one curve joined by commas.
 *
 * @param most - columns they may take; nothing is written where they need more
 */
export function curveEnds(curves: readonly Curve[], rows: number, most: number, style: Style): CurveEnds {
  const texts = Array.from({ length: rows }, () => "");
  const none: CurveEnds = { texts: [...texts], width: 0 };
  if (curves.length <= MAX_BY_DASHES) return none;
  for (const [index, { keys, points }] of curves.entries()) {
    const row = Math.floor((points.at(-1)?.[1] ?? 0) / DOTS_PER_CELL_Y);
    texts[row] = `${texts[row] ?? ""} ${style.line(index, keys.join(","))}`;
  }
  const width = Math.max(...texts.map(visibleWidth));
  return width <= most ? { texts, width } : none;
}
