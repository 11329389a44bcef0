import type { ObservationSpec, Quantity } from "../scenario/types.js";
import { formatQuantity } from "../units/format-quantity.js";
import { alignedTable } from "./aligned-table.js";
import { type Column, columnNames, shortKernel } from "./column.js";
import { differenceNote, markDifference } from "./differs.js";
import type { Style } from "./style.js";
import { visibleWidth } from "./visible-width.js";

type Spec = readonly [name: string, spec: ObservationSpec];

/** A value as its observation is shown; nothing measured is a dash. */
function shown(quantity: Quantity | undefined, { signed }: ObservationSpec): string {
  if (quantity === undefined) return "–";
  return formatQuantity(quantity.value, quantity.unit, { signs: signed ? "both" : "minus" });
}

/** The value in one run, marked where it is not that of the first, with a place for the mark where it is. */
function cell([name, spec]: Spec, column: Column, first: Column, style: Style): string {
  const own = column.result.observations[name];
  const same = own?.value === first.result.observations[name]?.value;
  return markDifference(shown(own, spec), same ? "same" : "differs", style);
}

function sideBySide(
  specs: readonly Spec[],
  columns: readonly Column[],
  first: Column,
  style: Style,
): readonly string[] {
  // Cells of the later columns end in a place for the mark; their heads leave it free.
  const pad = (text: string, index: number): string => (index === 0 ? text : `${text} `);
  const labels = columns.map(({ label }, index) => pad(style.heading(shortKernel(label)), index));
  const kernels = columns.map(({ result }, index) => pad(shortKernel(result.kernel), index));
  const heads = columns.length < 2 ? [] : [["", ...labels]];
  if (heads.length > 0 && columns.some(({ label, result }) => label !== result.kernel)) {
    heads.push(["", ...kernels]);
  }
  const body = specs.map((spec) => [
    spec[1].title,
    ...columns.map((column) =>
      column === first
        ? shown(first.result.observations[spec[0]], spec[1])
        : cell(spec, column, first, style),
    ),
  ]);
  return alignedTable([...heads, ...body], ["left", ...columns.map(() => "right" as const)]);
}

function stacked(
  specs: readonly Spec[],
  columns: readonly Column[],
  first: Column,
  style: Style,
): readonly string[] {
  const names = columnNames(columns);
  return specs.flatMap((spec) => [
    spec[1].title,
    ...alignedTable(
      columns.map((column, index) => [`  ${names[index] ?? ""}`, cell(spec, column, first, style)]),
      ["left", "right"],
    ),
  ]);
}

/**
 * Observations as aligned rows, one column per run; where that does not fit, each observation with its values below it.
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
    return spec === undefined ? [] : [[name, spec] as const];
  });
  const lines = sideBySide(specs, columns, first, style);
  const fits = lines.every((line) => visibleWidth(line) <= width);
  const differ = columns.some((column) =>
    names.some((name) => column.result.observations[name]?.value !== first.result.observations[name]?.value),
  );
  return [
    ...(fits ? lines : stacked(specs, columns, first, style)),
    ...(differ ? [style.aside(differenceNote(columnNames(columns)[0] ?? first.label))] : []),
  ];
}
