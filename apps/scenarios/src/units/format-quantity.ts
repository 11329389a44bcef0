import type { Quantity, Unit } from "../scenario/types.js";
import { baseScale, isNumericUnit, type NumericUnit, type Scale, scalesFrom } from "./dimensions.js";
import { groupThousands } from "./group-thousands.js";

const SIGNIFICANT_DIGITS = 5;

/** `numerator / denominator` to the nearest integer, ties to even. Both are positive or zero. */
function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = 2n * (numerator % denominator);
  if (twice < denominator) return quotient;
  if (twice > denominator) return quotient + 1n;
  return quotient + (quotient & 1n);
}

/** Whole and fractional digits of `magnitude / size` to five significant digits, half-even, trailing zeros dropped. */
function roundTo(magnitude: bigint, size: bigint): { readonly whole: bigint; readonly fraction: string } {
  const integerDigits = (magnitude / size).toString().length;
  if (integerDigits > SIGNIFICANT_DIGITS) {
    const quantum = 10n ** BigInt(integerDigits - SIGNIFICANT_DIGITS);
    return { whole: divideHalfEven(magnitude, size * quantum) * quantum, fraction: "" };
  }
  const decimals = SIGNIFICANT_DIGITS - integerDigits;
  const shift = 10n ** BigInt(decimals);
  const rounded = divideHalfEven(magnitude * shift, size);
  const fraction = (rounded % shift).toString().padStart(decimals, "0").replace(/0+$/, "");
  return { whole: rounded / shift, fraction: decimals === 0 ? "" : fraction };
}

/** Scales a measured value is read in: decimal ones, so that two times in a row compare at a glance. */
function readingScales(unit: NumericUnit): readonly Scale[] {
  return scalesFrom(unit).filter((scale) => !["min", "h", "d"].includes(scale.symbol));
}

function formatNumber(value: bigint, unit: NumericUnit): string {
  const scales = readingScales(unit);
  const base = baseScale(unit);
  const magnitude = value < 0n ? -value : value;
  // Things that are counted are not rounded: a tick more or less is the finding.
  if (scales.length === 1) {
    const number = groupThousands(value);
    return base.symbol === "" ? number : `${number} ${base.symbol}`;
  }
  for (const [index, scale] of scales.entries()) {
    const size = scale.size / base.size;
    const next = scales[index + 1];
    const { whole, fraction } = roundTo(magnitude, size);
    // Judged after rounding: 999.9996 ms is 1 s, not 1000 ms.
    if (next !== undefined && whole * size >= next.size / base.size) continue;
    const sign = value < 0n ? "-" : "";
    return `${sign}${groupThousands(whole)}${fraction === "" ? "" : `.${fraction}`} ${scale.symbol}`;
  }
  return groupThousands(value);
}

/**
 * A measured value for reading: scaled to ns, µs, ms, s (kHz, MHz, GHz; ppb, ppm) with at most five significant digits,
 * rounded half-even in integer arithmetic, a space between groups of three. Counts and cycles are never rounded;
 * names are printed as they are, flags as yes or no.
 *
 * @param value - an integer in `unit`, a name, or a flag
 * @param unit - the base unit of `value`
 *
 * @example
 * formatQuantity(30_000_500n, "ns") // => '30 ms'
 * formatQuantity(30_001_500n, "ns") // => '30.002 ms'
 */
export function formatQuantity(value: Quantity["value"], unit: Unit): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string" || !isNumericUnit(unit)) return String(value);
  return formatNumber(value, unit);
}
