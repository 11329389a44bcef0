/** The tables that runs measured, each once for the runs that have the same. */
import type { Table } from "../../scenario/types.js";
import { formatQuantity } from "../../units/format-quantity.js";
import { type Column, columnNames } from "../column.js";
import { sharedTables } from "../result-tables.js";
import { exactly } from "./exactly.js";
import type { Child, Html } from "./markup.js";
import { dataTable, differing } from "./table.js";

function cells(table: Table, line: number, first: Table | undefined): readonly Child[] {
  return (table.rows[line] ?? []).map((value, index) => {
    const { unit = "count", signed } = table.columns[index] ?? {};
    const shown = exactly(value, formatQuantity(value, unit, { signs: signed ? "both" : "minus" }));
    return first === undefined || first.rows[line]?.[index] === value ? shown : differing(shown);
  });
}

/** Every table of every run; in that of a later run, what is not as in the first one's is marked. */
export function resultTables(columns: readonly Column[]): readonly Html[] {
  const names = columnNames(columns);
  const keys = [...new Set(columns.flatMap(({ result }) => Object.keys(result.tables)))];
  return keys.flatMap((key) =>
    sharedTables(key, columns, names).map(({ table, names: runs, isFirst }) => {
      const first = isFirst ? undefined : columns[0]?.result.tables[key];
      return dataTable({
        caption: columns.length > 1 ? `${table.title}, ${runs.join(", ")}` : table.title,
        heads: table.columns.map(({ title }) => title),
        rows: table.rows.map((_, line) => {
          const [head, ...rest] = cells(table, line, first);
          return { head, cells: rest };
        }),
      });
    }),
  );
}
