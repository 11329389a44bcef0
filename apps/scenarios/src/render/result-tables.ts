import type { Table } from "../scenario/types.js";
import { formatQuantity } from "../units/format-quantity.js";
import { alignedTable } from "./aligned-table.js";
import type { Column } from "./column.js";
import { markDifference } from "./differs.js";
import type { Style } from "./style.js";
import { visibleWidth } from "./visible-width.js";
import { hang } from "./wrap.js";

/** Rows of a table a screen has room for; the others are in `--json`. */
const MAX_ROWS = 12;

/** Text of the rows there is room for; in a later run's table, a cell that is not the first run's is marked. */
function cells(table: Table, first: Table | undefined, style: Style): readonly (readonly string[])[] {
  return table.rows.slice(0, MAX_ROWS).map((row, line) =>
    row.map((value, index) => {
      const { unit = "count", signed } = table.columns[index] ?? {};
      const text = formatQuantity(value, unit, { signs: signed ? "both" : "minus" });
      if (first === undefined) return text;
      return markDifference(text, first.rows[line]?.[index] === value ? "same" : "differs", style);
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
  return [style.heading(heading), ...body, ...rest(table)];
}

/** Every table of every run: those of one name follow each other, so that they can be read against each other. */
export function renderTables(
  columns: readonly Column[],
  names: readonly string[],
  width: number,
  style: Style,
): readonly string[] {
  const keys = [...new Set(columns.flatMap(({ result }) => Object.keys(result.tables)))];
  const blocks = keys.flatMap((key) =>
    columns.flatMap(({ result }, index) => {
      const table = result.tables[key];
      if (table === undefined || table.rows.length === 0) return [];
      const heading = columns.length > 1 ? `${table.title}, ${names[index] ?? ""}` : table.title;
      const first = index === 0 ? undefined : columns[0]?.result.tables[key];
      return [renderTable(table, first, heading, width, style)];
    }),
  );
  return blocks.flatMap((block, index) => (index === 0 ? block : ["", ...block]));
}
