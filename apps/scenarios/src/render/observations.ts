import type { ObservationSpec, Quantity } from "../scenario/types.js";
import { formatQuantity } from "../units/format-quantity.js";
import { alignedTable } from "./aligned-table.js";
import { type Column, columnLabels, columnNames, columnPhrases, shortKernel } from "./column.js";
import { columnGroups } from "./column-groups.js";
import { differenceNote, digitsToTell, markDifference } from "./differs.js";
import { commonRelease } from "./kernel-facts.js";
import type { Style } from "./style.js";
import { visibleWidth } from "./visible-width.js";
import { wrapHead } from "./wrap.js";

/** An observation, and how many digits of it are shown. */
type Spec = readonly [name: string, spec: ObservationSpec, digits?: number];

/** The observations a table shows: those marked so, or all where a scenario marks none. */
export function headlineObservations(observe: Readonly<Record<string, ObservationSpec>>): readonly string[] {
  const names = Object.keys(observe);
  const headlines = names.filter((name) => observe[name]?.headline);
  return headlines.length === 0 ? names : headlines;
}

/** A value as its observation is shown; nothing measured is a dash. */
export function showObservation(
  quantity: Quantity | undefined,
  { signed }: ObservationSpec,
  digits?: number,
): string {
  if (quantity === undefined) return "–";
  const style = { signs: signed ? "both" : "minus", ...(digits === undefined ? {} : { digits }) } as const;
  return formatQuantity(quantity.value, quantity.unit, style);
}

/** Digits of an observation in every column: those that differ can be told apart. */
export function observationDigits(
  name: string,
  { unit }: ObservationSpec,
  columns: readonly Column[],
): number {
  const [first, ...others] = columns.map(({ result }) => result.observations[name]?.value);
  return digitsToTell(first, others, unit);
}

/** The value in one run, marked where it is not that of the first, with a place for the mark where it is. */
function cell([name, spec, digits]: Spec, column: Column, first: Column, style: Style): string {
  const own = column.result.observations[name];
  const same = own?.value === first.result.observations[name]?.value;
  return markDifference(showObservation(own, spec, digits), same ? "same" : "differs", style);
}

/** One run as text: the lines over its values, and its values. */
interface TextColumn {
  readonly heads: readonly string[];
  readonly cells: readonly string[];
}

const widthOf = (texts: readonly string[]): number => Math.max(0, ...texts.map(visibleWidth));

/** How a label too wide for the values below it is set. */
type Heads = "one-line" | "wrapped";

function textColumns(
  specs: readonly Spec[],
  columns: readonly Column[],
  first: Column,
  heads: Heads,
  style: Style,
): readonly TextColumn[] {
  const labels = columnLabels(columns);
  const withKernels =
    columns.some(({ label, result }) => label !== result.kernel) && commonRelease(columns) === undefined;
  return columns.map((column, place) => {
    const cells = specs.map((spec) =>
      place === 0
        ? showObservation(first.result.observations[spec[0]], spec[1], spec[2])
        : cell(spec, column, first, style),
    );
    const label = labels[place] ?? column.label;
    const lines = heads === "wrapped" ? wrapHead(label, widthOf(cells)) : [label];
    const kernel = withKernels ? [shortKernel(column.result.kernel)] : [];
    // Cells of the later columns end in a place for the mark; their heads leave it free.
    const pad = (text: string): string => (place === 0 ? text : `${text} `);
    return { heads: [...lines.map(style.heading), ...kernel].map(pad), cells };
  });
}

/** Heads of equal height, standing on the values. */
function levelled(columns: readonly TextColumn[]): readonly TextColumn[] {
  const height = Math.max(...columns.map(({ heads }) => heads.length));
  return columns.map(({ heads, cells }) => ({
    heads: [...Array.from({ length: height - heads.length }, () => ""), ...heads],
    cells,
  }));
}

function table(
  titles: readonly string[],
  columns: readonly TextColumn[],
  heads: "heads" | "no heads",
): readonly string[] {
  const level = levelled(columns);
  const headRows = (level[0]?.heads ?? []).map((_, line) => [
    "",
    ...level.map((column) => column.heads[line] ?? ""),
  ]);
  const rows = titles.map((title, line) => [title, ...level.map(({ cells }) => cells[line] ?? "")]);
  return alignedTable(
    [...(heads === "heads" ? headRows : []), ...rows],
    ["left", ...columns.map(() => "right" as const)],
  );
}

/** Every run beside the others; where there are too many for the width, group below group. */
function sideBySide(
  specs: readonly Spec[],
  columns: readonly Column[],
  first: Column,
  width: number,
  style: Style,
): readonly string[] | undefined {
  const titles = specs.map(([, { title }]) => title);
  for (const heads of ["one-line", "wrapped"] as const) {
    const text = textColumns(specs, columns, first, heads, style);
    const widths = text.map((column) => widthOf([...column.heads, ...column.cells]));
    const groups = columnGroups(widthOf(titles), widths, width);
    if (groups === undefined || (groups.length > 1 && heads === "one-line")) continue;
    return groups.flatMap((group, index) => [
      ...(index > 0 ? [""] : []),
      ...table(
        titles,
        group.flatMap((place) => text[place] ?? []),
        columns.length > 1 ? "heads" : "no heads",
      ),
    ]);
  }
  return undefined;
}

function stacked(
  specs: readonly Spec[],
  columns: readonly Column[],
  first: Column,
  width: number,
  style: Style,
): readonly string[] {
  const named = (names: readonly string[]): readonly string[] =>
    specs.flatMap((spec) => [
      spec[1].title,
      ...alignedTable(
        columns.map((column, index) => [`  ${names[index] ?? ""}`, cell(spec, column, first, style)]),
        ["left", "right"],
      ),
    ]);
  const lines = named(commonRelease(columns) === undefined ? columnPhrases(columns) : columnLabels(columns));
  return widthOf(lines) <= width ? lines : named(columnLabels(columns));
}

/**
 * Observations as aligned rows, one column per run. More runs than fit are set in groups, each with the first run at its
 * left, which every mark refers to; where not even two fit, each observation has its values below it.
 *
 * @param names - which to show, in order
 */
export function renderObservations(
  observe: Readonly<Record<string, ObservationSpec>>,
  names: readonly string[],
  columns: readonly Column[],
  width: number,
  style: Style,
): readonly string[] {
  const [first] = columns;
  if (first === undefined) return [];
  const specs = names.flatMap((name) => {
    const spec = observe[name];
    return spec === undefined ? [] : [[name, spec, observationDigits(name, spec, columns)] as const];
  });
  const differ = columns.some((column) =>
    names.some((name) => column.result.observations[name]?.value !== first.result.observations[name]?.value),
  );
  return [
    ...(sideBySide(specs, columns, first, width, style) ?? stacked(specs, columns, first, width, style)),
    ...(differ ? [style.aside(differenceNote(columnNames(columns)[0] ?? first.label))] : []),
  ];
}
