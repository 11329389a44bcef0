/** A field of a row: an exact integer, a small count, text, or nothing. */
export type Cell = bigint | number | string | undefined;

/** What RFC 4180 has in quotes. */
const QUOTED = /[",\r\n]/;

/** What a spreadsheet takes for the start of a formula, and the mark that keeps it from doing so. */
const FORMULA = /^[=+\-@\t\r']/;

/**
 * A field as RFC 4180 writes it. Numbers are plain decimal, no field at all is empty, an empty text is `""`.
 *
 * Text that a spreadsheet would take for a formula has one `'` put before it, and so has text that starts with `'`: a field that
 * starts with `= + - @` is a number, and a text is read back by taking one `'` away.
 */
export function csvCell(cell: Cell): string {
  if (cell === undefined) return "";
  if (typeof cell !== "string") return String(cell);
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return text === "" || QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A row with its end. */
export function csvRow(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(",")}\n`;
}
