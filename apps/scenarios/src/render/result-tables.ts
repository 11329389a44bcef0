import type { Table } from "../scenario/types.js";
import { formatQuantity } from "../units/format-quantity.js";
import { alignedTable } from "./aligned-table.js";
import type { Column } from "./column.js";
import { digitsToTell, markDifference } from "./differs.js";
import type { Style } from "./style.js";
import { visibleWidth } from "./visible-width.js";
import { hang, wrap } from "./wrap.js";

/** Rows of a table a screen has room for; the others are in `--json`. */
const MAX_ROWS = 12;

/** Text of the rows there is room for; in a later run's table, a cell that is not the first run's is marked. */
function cells(table: Table, first: Table | undefined, style: Style): readonly (readonly string[])[] {
  return table.rows.slice(0, MAX_ROWS).map((row, line) =>
    row.map((value, index) => {
      const { unit = "count", signed } = table.columns[index] ?? {};
      const signs = signed ? "both" : "minus";
      if (first === undefined) return formatQuantity(value, unit, { signs });
      const other = first.rows[line]?.[index];
      const text = formatQuantity(value, unit, { signs, digits: digitsToTell(value, [other], unit) });
      return markDifference(text, other === value ? "same" : "differs", style);
    }),
  );
}

function rest(table: Table): readonly string[] {
  const hidden = table.rows.length - MAX_ROWS;
  return hidden > 0 ? [`… ${hidden} more ${hidden === 1 ? "row" : "rows"} with --json`] : [];
}

/** Where a table is too wide, each row becomes a paragraph of `title value` pairs. */
function stacked(table: Table, rows: readonly (readonly string[])[], width: number): readonly string[] {
  return rows.flatMap((row) => {
    const pairs = row.map((text, index) => `${table.columns[index]?.title ?? ""} ${text.trimEnd()}`);
    return hang("-", pairs.join(", "), 2, width);
  });
}

function renderTable(
  table: Table,
  first: Table | undefined,
  heading: string,
  width: number,
  style: Style,
): readonly string[] {
  const heads = table.columns.map(({ title }) => (first === undefined ? title : `${title} `));
  const rows = cells(table, first, style);
  const lines = alignedTable(
    [heads, ...rows],
    heads.map(() => "right" as const),
  );
  const body = lines.every((line) => visibleWidth(line) <= width) ? lines : stacked(table, rows, width);
  return [...wrap(heading, width).map(style.heading), ...body, ...rest(table)];
}

/** Runs with the same table, under the names of all of them. */
export interface SharedTable {
  readonly table: Table;
  readonly names: readonly string[];
  readonly isFirst: boolean;
}

function sameRows(a: Table, b: Table): boolean {
  return (
    a.rows.length === b.rows.length &&
    a.rows.every((row, line) => row.every((value, index) => value === b.rows[line]?.[index]))
  );
}

/** The tables called `key`, each once, in the order of the runs that have it first. */
export function sharedTables(
  key: string,
  columns: readonly Column[],
  names: readonly string[],
): readonly SharedTable[] {
  const shared: SharedTable[] = [];
  for (const [index, { result }] of columns.entries()) {
    const table = result.tables[key];
    if (table === undefined || table.rows.length === 0) continue;
    const name = names[index] ?? "";
    const at = shared.findIndex((one) => sameRows(one.table, table));
    const same = shared[at];
    if (same === undefined) shared.push({ table, names: [name], isFirst: index === 0 });
    else shared[at] = { ...same, names: [...same.names, name] };
  }
  return shared;
}

/**
 * Every table of every run: those of one name follow each other, so that they can be read against each other, and runs
 * with the same rows share one.
 */
export function renderTables(
  columns: readonly Column[],
  names: readonly string[],
  width: number,
  style: Style,
): readonly string[] {
  const keys = [...new Set(columns.flatMap(({ result }) => Object.keys(result.tables)))];
  const blocks = keys.flatMap((key) =>
    sharedTables(key, columns, names).map(({ table, names: runs, isFirst }) => {
      const heading = columns.length > 1 ? `${table.title}, ${runs.join(", ")}` : table.title;
      const first = isFirst ? undefined : columns[0]?.result.tables[key];
      return renderTable(table, first, heading, width, style);
    }),
  );
  return blocks.flatMap((block, index) => (index === 0 ? block : ["", ...block]));
}
