import { alignedTable } from "../render/aligned-table.js";
import type { Style } from "../render/style.js";
import { hang, wrap } from "../render/wrap.js";
import { groupThousands } from "../units/group-thousands.js";
import { MINUS } from "../units/minus.js";
import { type Fraction, fraction, readDecimal, times } from "./fraction.js";
import { type ClockPairRow, DECIMALS, type Term, type Worksheet } from "./worksheet.js";

const INDENT = "  ";
/** A formula in fewer columns than this is easier to read on lines of its own. */
const LEAST_FORMULA_WIDTH = 20;
const MAX_WIDTH = 80;
const PPM_PER_PPB: Fraction = fraction(1n, 1000n);

interface Widths {
  readonly label: number;
  readonly formula: number;
  readonly value: number;
}

function valueText({ value }: Term): string {
  if (typeof value === "string") return value;
  if (typeof value === "bigint") return groupThousands(value).replace("-", MINUS);
  return readDecimal(value, DECIMALS);
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}

function widthsOf(terms: readonly Term[], width: number): Widths {
  const label = widest(terms.map((term) => term.label));
  const value = widest(terms.map(valueText));
  const unit = widest(terms.map((term) => term.unit));
  const left = width - INDENT.length - label - 2 - 2 - value - 1 - unit;
  return { label, value, formula: left };
}

/** A term on one line, its formula going on below where it is long. */
function termLines(term: Term, widths: Widths, style: Style): readonly string[] {
  const stacked = widths.formula < LEAST_FORMULA_WIDTH;
  const lines = wrap(term.formula, stacked ? widths.label + widths.value + 2 : widths.formula);
  const beside = stacked ? "" : `${style.aside((lines[0] ?? "").padEnd(widths.formula))}  `;
  const value = `${valueText(term).padStart(widths.value)} ${term.unit}`;
  const margin = INDENT + " ".repeat(stacked ? 2 : widths.label + 2);
  return [
    `${INDENT}${term.label.padEnd(widths.label)}  ${beside}${value}`.trimEnd(),
    ...(stacked ? lines : lines.slice(1)).map((line) => margin + style.aside(line)),
  ];
}

function pairLines(pairs: readonly ClockPairRow[], style: Style): readonly string[] {
  const rows = pairs.map(({ clock, against, ppb, msPerDay }) => [
    clock,
    against,
    readDecimal(times(ppb, PPM_PER_PPB), DECIMALS),
    readDecimal(ppb, DECIMALS),
    readDecimal(msPerDay, DECIMALS),
  ]);
  const table = alignedTable(
    [["clock", "against", "ppm", "ppb", "ms/day"], ...rows],
    ["left", "left", "right", "right", "right"],
  );
  return ["", ...table.map((line, index) => INDENT + (index === 0 ? style.heading(line) : line))];
}

/**
 * A worksheet for a person: a line for each term with name, formula, value and unit, and what the result means.
 *
 * @param layout - columns to use, 80 at most
 */
export function renderWorksheet(
  worksheet: Worksheet,
  { columns, style }: { readonly columns: number; readonly style: Style },
): string {
  const width = Math.min(columns, MAX_WIDTH);
  const { title, sections, pairs, meaning, source } = worksheet;
  const widths = widthsOf(
    sections.flatMap((section) => section.terms),
    width,
  );
  const lines = [
    ...wrap(title, width - INDENT.length).map((line) => INDENT + style.heading(line)),
    ...sections.flatMap(({ heading, terms }) => [
      "",
      INDENT + style.heading(heading),
      ...terms.flatMap((term) => termLines(term, widths, style)),
    ]),
    ...(pairs === undefined ? [] : pairLines(pairs, style)),
    "",
    ...hang("  meaning", meaning, 11, width),
    ...hang("  rules", source, 11, width),
  ];
  return `${lines.join("\n")}\n`;
}
