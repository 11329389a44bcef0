import type { Measured } from "../../scenario/types.js";

/** A value in the `line`th row of a run's table. */
export function cell(
  { tables }: Pick<Measured, "tables">,
  table: string,
  line: number,
  column: string,
): bigint | string | boolean {
  const { columns = [], rows = [] } = tables[table] ?? {};
  const value = rows[line]?.[columns.findIndex(({ name }) => name === column)];
  if (value === undefined) throw new TypeError(`cell: expected ${table} to have ${column} in row ${line}`);
  return value;
}
