import type { Quantity, Unit } from "../scenario/types.js";
import { formatQuantity, type QuantityStyle, SIGNIFICANT_DIGITS } from "../units/format-quantity.js";
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

/** More digits than any value has. */
const ALL_DIGITS = 40;

type Value = Quantity["value"] | undefined;

/**
 * So many significant digits that every value which is not the first is not written like the first either: the usual
 * number, and more where a difference would be rounded away.
 */
export function digitsToTell(first: Value, others: readonly Value[], unit: Unit): number {
  if (typeof first !== "bigint") return SIGNIFICANT_DIGITS;
  const differing = others.filter((other) => typeof other === "bigint" && other !== first);
  const written = (value: Quantity["value"], style: QuantityStyle): string =>
    formatQuantity(value, unit, style);
  let digits = SIGNIFICANT_DIGITS;
  while (
    digits < ALL_DIGITS &&
    differing.some((other = "") => written(other, { digits }) === written(first, { digits }))
  ) {
    digits += 1;
  }
  return digits;
}

/** So many that no two of the values which differ are written alike. */
export function digitsToTellAll(values: readonly Value[], unit: Unit): number {
  return Math.max(
    SIGNIFICANT_DIGITS,
    ...values.map((value, i) => digitsToTell(value, values.slice(i + 1), unit)),
  );
}
