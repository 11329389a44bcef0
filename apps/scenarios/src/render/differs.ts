import type { Style } from "./style.js";

/** After a value that is not the first column's; `≠` before it would read as part of the value. */
const MARK = "*";

/** A cell of a column that can differ: marked when it does, padded alike when it does not, so that digits align. */
export function markDifference(text: string, difference: "differs" | "same", style: Style): string {
  return difference === "differs" ? style.differs(`${text}${MARK}`) : `${text} `;
}

/** What the mark means, for the foot of a table. */
export function differenceNote(firstName: string): string {
  return `${MARK} not as ${firstName}`;
}
