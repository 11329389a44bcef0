import type { Expectation, RunResult } from "../scenario/types.js";
import { type Column, columnKeys, columnLabels, columnNames, letterOf } from "./column.js";
import type { Style } from "./style.js";
import { wrap } from "./wrap.js";

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

/** What stands over the marks, so many spaces apart. */
interface Heads {
  readonly texts: readonly string[];
  readonly gap: number;
  /** Lines that say what the heads mean. */
  readonly legend: string;
}

const GAP = 2;

const marginOf = ({ texts, gap }: Heads): number =>
  texts.reduce((sum, text) => sum + Math.max(1, text.length) + gap, 0);

/** Heads of the marks: the labels, or what stands for them where they leave too little room for words. */
function headsOf(columns: readonly Column[], width: number): Heads | undefined {
  if (columns.length === 1) return { texts: [""], gap: GAP, legend: "" };
  const { keys, kind } = columnKeys(columns);
  const names = columnNames(columns);
  const letters = columns.map((_, place) => letterOf(place));
  const legend = letters.map((letter, place) => `${letter}: ${names[place]}`).join(", ");
  const candidates: readonly Heads[] = [
    { texts: columnLabels(columns), gap: GAP, legend: "" },
    ...(kind === "words" ? [{ texts: keys, gap: GAP, legend: "" }] : []),
    { texts: letters, gap: GAP, legend },
    { texts: letters, gap: 1, legend },
  ];
  return candidates.find((heads) => marginOf(heads) <= Math.min(MAX_MARK_WIDTH, width / 2));
}

/** One row of marks, a column per run, and the words beside it. */
function row(
  columns: readonly Column[],
  index: number,
  heads: Heads,
  width: number,
  style: Style,
): readonly string[] {
  const { texts, gap } = heads;
  const judged = columns.map(({ result }) => result.expectations[index]);
  const [expectation] = judged;
  if (expectation === undefined) return [];
  const labels = columnLabels(columns);
  const broken = columns.flatMap((_, place) => {
    const one = judged[place];
    return one?.held === false ? [[labels[place] ?? "", one] as const] : [];
  });
  const applied = judged.some((one) => one?.held !== undefined) ? "somewhere" : "nowhere";
  const margin = marginOf(heads);
  const signs = judged.map(
    (one, place) => mark(one?.held, style) + " ".repeat(Math.max(1, texts[place]?.length ?? 1) - 1 + gap),
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
  const heads = headsOf(columns, width);
  if (heads === undefined) {
    const labels = columnLabels(columns);
    return columns.flatMap((column, index) => [
      ...(index > 0 ? [""] : []),
      style.heading(labels[index] ?? column.label),
      ...renderExpectations([column], width, style),
    ]);
  }
  const head = heads.texts.map((text) => text.padEnd(Math.max(1, text.length) + heads.gap)).join("");
  return [
    ...wrap(countHeld(columns.map(({ result }) => result)), width).map(style.heading),
    ...wrap(heads.legend, width),
    ...(columns.length > 1 ? [style.heading(head.trimEnd())] : []),
    ...first.result.expectations.flatMap((_, index) => row(columns, index, heads, width, style)),
    ...notApplicableNote(columns).flatMap((note) => wrap(note, width).map(style.aside)),
  ];
}
