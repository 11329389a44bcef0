import CliTable from "cli-table3";

const noBorder = Object.fromEntries(
  [
    ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"],
    ...["left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"],
  ].map((place) => [place, ""]),
);

/** Columns between two cells. */
const GAP = 2;

/**
 * Lines of a table without box drawing: columns as wide as their widest cell, two spaces apart. Styled cells are
 * measured without their escape sequences.
 *
 * @param rows - all of the same length
 * @param align - one per column
 */
export function alignedTable(
  rows: ReadonlyArray<readonly string[]>,
  align: ReadonlyArray<"left" | "right">,
): readonly string[] {
  if (rows.length === 0) return [];
  const table = new CliTable({
    chars: noBorder,
    style: { head: [], border: [], "padding-left": 0, "padding-right": GAP },
    colAligns: [...align],
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
}
