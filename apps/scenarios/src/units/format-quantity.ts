import type { Quantity, Unit } from "../scenario/types.js";
import { baseScale, isNumericUnit, type NumericUnit, type Scale, scalesFrom } from "./dimensions.js";
import { divideHalfEven } from "./divide-half-even.js";
import { groupThousands } from "./group-thousands.js";
import { MINUS } from "./minus.js";

/** How a number is written, where the usual way does not do. */
export interface QuantityStyle {
  /** `both`: a plus sign before positive numbers, for errors and differences. Default `minus`. */
  readonly signs?: "minus" | "both";
  /** Most significant digits of what is scaled; counts and cycles keep all of theirs. Default 5. */
  readonly digits?: number;
}

/** As many digits as a measured value is read with. */
export const SIGNIFICANT_DIGITS = 5;

/** Whole and fractional digits of `magnitude / size` to `digits` significant ones, half-even, trailing zeros dropped. */
function roundTo(
  magnitude: bigint,
  size: bigint,
  digits: number,
): { readonly whole: bigint; readonly fraction: string } {
  const integerDigits = (magnitude / size).toString().length;
  if (integerDigits > digits) {
    const quantum = 10n ** BigInt(integerDigits - digits);
    return { whole: divideHalfEven(magnitude, size * quantum) * quantum, fraction: "" };
  }
  const decimals = digits - integerDigits;
  const shift = 10n ** BigInt(decimals);
  const rounded = divideHalfEven(magnitude * shift, size);
  const fraction = (rounded % shift).toString().padStart(decimals, "0").replace(/0+$/, "");
  return { whole: rounded / shift, fraction: decimals === 0 ? "" : fraction };
}

/** Scales a measured value is read in: decimal ones, so that two times in a row compare at a glance. */
function readingScales(unit: NumericUnit): readonly Scale[] {
  return scalesFrom(unit).filter((scale) => !["min", "h", "d"].includes(scale.symbol));
}

/** The digits of `magnitude` and its unit, without a sign. */
function formatMagnitude(magnitude: bigint, unit: NumericUnit, digits: number): string {
  const scales = readingScales(unit);
  const base = baseScale(unit);
  // Things that are counted are not rounded: a tick more or less is the finding.
  if (scales.length === 1) {
    const number = groupThousands(magnitude);
    return base.symbol === "" ? number : `${number} ${base.symbol}`;
  }
  for (const [index, scale] of scales.entries()) {
    const size = scale.size / base.size;
    const next = scales[index + 1];
    const { whole, fraction } = roundTo(magnitude, size, digits);
    // Judged after rounding: 999.9996 ms is 1 s, not 1000 ms.
    if (next !== undefined && whole * size >= next.size / base.size) continue;
    return `${groupThousands(whole)}${fraction === "" ? "" : `.${fraction}`} ${scale.symbol}`;
  }
  return groupThousands(magnitude);
}

function signOf(value: bigint, signs: "minus" | "both"): string {
  if (value < 0n) return MINUS;
  return signs === "both" && value > 0n ? "+" : "";
}

/**
 * A measured value for reading: scaled to ns, µs, ms, s (kHz, MHz, GHz; ppb, ppm) with at most five significant digits,
 * rounded half-even in integer arithmetic, a space between groups of three. Counts and cycles are never rounded;
 * names are printed as they are, flags as yes or no.
 *
 * @param value - an integer in `unit`, a name, or a flag
 * @param unit - the base unit of `value`
 * @param style - signs and digits, where they are not the usual ones
 *
 * @example
 * formatQuantity(30_000_500n, "ns") // => '30 ms'
 * formatQuantity(30_001_500n, "ns") // => '30.002 ms'
 * formatQuantity(-638_000n, "ns") // => '−638 µs'
 * formatQuantity(640_320n, "ns", { signs: "both" }) // => '+640.32 µs'
 */
export function formatQuantity(value: Quantity["value"], unit: Unit, style: QuantityStyle = {}): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string" || !isNumericUnit(unit)) return String(value);
  const { signs = "minus", digits = SIGNIFICANT_DIGITS } = style;
  return signOf(value, signs) + formatMagnitude(value < 0n ? -value : value, unit, digits);
}
