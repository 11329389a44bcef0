import { ChronovisorError } from "../errors.js";
import { baseScale, dimensionOf, type NumericUnit } from "./dimensions.js";
import { MINUS } from "./minus.js";

/** A minus as it is typed, or as it is printed and copied back. */
const DECIMAL = /^([+\-\u2212]?)(\d+(?:_\d+)*)(?:\.(\d+))?\s*([A-Za-z\u00b5\u03bc]*)$/;
const HEXADECIMAL = /^0x[0-9a-f]+(?:_[0-9a-f]+)*$/i;

/**
 * An exact number of `unit`, read from what a person types: `1ms`, `1.5 h`, `2.5GHz`, `-50ppm`, `1_000_000`, `0x3e8`.
 *
 * A bare number is in `unit` itself. `m` is minutes. Symbols are case-sensitive, as in SI. Nothing is rounded: a
 * fraction that is not a whole number of `unit` is refused.
 *
 * @param text - a decimal number with an optional unit of the same dimension; hexadecimal for counts and cycles only
 * @param unit - the base unit of the result
 * @throws ChronovisorError saying what was expected and what was given
 *
 * @example
 * parseQuantity("1.5ms", "ns") // => 1500000n
 */
export function parseQuantity(text: string, unit: NumericUnit): bigint {
  const dimension = dimensionOf(unit);
  const trimmed = text.trim();
  if (dimension.hexadecimal === "allowed" && HEXADECIMAL.test(trimmed)) {
    return BigInt(trimmed.replaceAll("_", ""));
  }
  const [, sign = "", whole = "", fraction = "", symbol = ""] = DECIMAL.exec(trimmed) ?? [];
  const base = baseScale(unit);
  const scale = symbol === "" ? base : dimension.scales.find((known) => known.typed.includes(symbol));
  if (whole === "" || scale === undefined) {
    throw new ChronovisorError(`expected ${dimension.expected}, got "${text}"`);
  }
  const digits = BigInt(whole.replaceAll("_", "") + fraction);
  const numerator = digits * scale.size;
  const denominator = 10n ** BigInt(fraction.length) * base.size;
  if (numerator % denominator !== 0n) {
    throw new ChronovisorError(
      base.symbol === ""
        ? `expected ${dimension.expected}, got "${text}"`
        : `${trimmed} is finer than 1 ${base.symbol}`,
    );
  }
  const magnitude = numerator / denominator;
  return sign === "-" || sign === MINUS ? -magnitude : magnitude;
}
