import type { Expectation, RunResult } from "../scenario/types.js";
import { type Column, shortKernel } from "./column.js";
import type { Style } from "./style.js";
import { wrap } from "./wrap.js";

const GAP = "  ";
/** Marks of more columns than this are clearer spelled out run by run. */
const MAX_MARK_WIDTH = 40;

const marks = { held: "✓", broken: "✗", notApplicable: "–" } as const;

function mark(held: boolean | undefined, style: Style): string {
  if (held === undefined) return style.aside(marks.notApplicable);
  return held ? style.held(marks.held) : style.broken(marks.broken);
}

/** Whether nothing that applied failed: what the exit code says. */
export function allHeld(results: readonly RunResult[]): boolean {
  return results.every(({ expectations }) => expectations.every(({ held }) => held !== false));
}

/** `7 of 7 expectations held, 1 not applicable` over all runs. */
export function countHeld(results: readonly RunResult[]): string {
  const all = results.flatMap(({ expectations }) => expectations);
  const applied = all.filter(({ held }) => held !== undefined);
  const held = applied.filter((expectation) => expectation.held === true);
  const aside = all.length - applied.length;
  return `${held.length} of ${applied.length} expectations held${aside > 0 ? `, ${aside} not applicable` : ""}`;
}

/** The text of an expectation, the figures of every run that broke it, and the reason it should hold. */
function words(
  expectation: Expectation,
  broken: ReadonlyArray<readonly [label: string, broken: Expectation]>,
  applied: "somewhere" | "nowhere",
  width: number,
  style: Style,
): readonly string[] {
  if (applied === "nowhere") return wrap(expectation.text, width).map(style.aside);
  const figures = broken.flatMap(([label, { expected, got }]) =>
    wrap(`${label}: not held, expected ${expected}, got ${got}`, width).map(style.broken),
  );
  return [...wrap(expectation.text, width), ...figures, ...wrap(expectation.reason, width).map(style.aside)];
}

/** One row of marks, a column per run, and the words beside it. */
function row(
  columns: readonly Column[],
  index: number,
  widths: readonly number[],
  width: number,
  style: Style,
): readonly string[] {
  const judged = columns.map(({ result }) => result.expectations[index]);
  const [expectation] = judged;
  if (expectation === undefined) return [];
  const broken = columns.flatMap(({ label }, place) => {
    const one = judged[place];
    return one?.held === false ? [[label, one] as const] : [];
  });
  const applied = judged.some((one) => one?.held !== undefined) ? "somewhere" : "nowhere";
  const margin = widths.reduce((sum, column) => sum + column + GAP.length, 0);
  const signs = judged.map(
    (one, place) => mark(one?.held, style) + " ".repeat((widths[place] ?? 1) - 1) + GAP,
  );
  const [first = "", ...more] = words(expectation, broken, applied, width - margin, style);
  return [signs.join("") + first, ...more.map((line) => " ".repeat(margin) + line)];
}

/** What the dash means, where there is one. */
function notApplicableNote(columns: readonly Column[]): readonly string[] {
  const none = columns.every(({ result }) => result.expectations.every(({ held }) => held !== undefined));
  return none ? [] : [`${marks.notApplicable} not applicable: stated for other parameters or behaviours`];
}

/**
 * What was expected, with a mark for every run: `✓` held, `✗` not held (with the figures), `–` not applicable; and why
 * it should hold. Runs of one scenario share their expectations, so each is printed once.
 */
export function renderExpectations(
  columns: readonly Column[],
  width: number,
  style: Style,
): readonly string[] {
  const [first] = columns;
  if (first === undefined || first.result.expectations.length === 0) return [];
  const heads = columns.length > 1 ? columns.map(({ label }) => shortKernel(label)) : [""];
  const widths = heads.map((head) => Math.max(1, head.length));
  const markWidth = widths.reduce((sum, column) => sum + column + GAP.length, 0);
  if (columns.length > 1 && markWidth > Math.min(MAX_MARK_WIDTH, width / 2)) {
    return columns.flatMap((column, index) => [
      ...(index > 0 ? [""] : []),
      style.heading(column.label),
      ...renderExpectations([column], width, style),
    ]);
  }
  const head = heads.map((text, index) => text.padEnd(widths[index] ?? 1)).join(GAP);
  return [
    ...wrap(countHeld(columns.map(({ result }) => result)), width).map(style.heading),
    ...(columns.length > 1 ? [style.heading(head.trimEnd())] : []),
    ...first.result.expectations.flatMap((_, index) => row(columns, index, widths, width, style)),
    ...notApplicableNote(columns).flatMap((note) => wrap(note, width).map(style.aside)),
  ];
}
