import { dimensionOf, type NumericUnit } from "./dimensions.js";

const NUMBER = "[+\\-\u2212]?\\d+(_\\d+)*(\\.\\d+)?";
const HEXADECIMAL = "0x[0-9a-fA-F]+(_[0-9a-fA-F]+)*";

/**
 * A regular expression for what `parseQuantity` may read as `unit`: the number's shape and the unit's dimension, for editors.
 *
 * @example
 * new RegExp(quantityPattern("ns")).test("2.5GHz") // => false
 */
export function quantityPattern(unit: NumericUnit): string {
  const { scales, hexadecimal } = dimensionOf(unit);
  const symbols = scales.flatMap(({ typed }) => typed).filter((symbol) => symbol !== "");
  const decimal = symbols.length === 0 ? NUMBER : `${NUMBER}\\s*(${symbols.join("|")})?`;
  return `^\\s*(${hexadecimal === "allowed" ? `${decimal}|${HEXADECIMAL}` : decimal})\\s*$`;
}
