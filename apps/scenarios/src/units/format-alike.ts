import type { Unit } from "../scenario/types.js";
import { baseScale, isNumericUnit, type Scale, scalesFrom } from "./dimensions.js";
import { groupThousands } from "./group-thousands.js";
import { MINUS } from "./minus.js";

/** Numbers of one unit, to stand below each other. */
export interface AlikeNumbers {
  /** The unit all are written in; empty where they are counts. */
  readonly symbol: string;
  /** Exact, with as many decimals each; none is rounded, so that a sum is right as it is written. */
  readonly texts: readonly string[];
}

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);

/** The largest scale that writes `largest` with a whole part of at least 1; minutes and longer are not decimal. */
function commonScale(largest: bigint, scales: readonly Scale[], base: Scale): Scale {
  const decimal = scales.filter(({ symbol }) => !["min", "h", "d"].includes(symbol));
  return decimal.filter(({ size }) => largest >= size / base.size).at(-1) ?? base;
}

/**
 * Values of one unit as a column of a sum: all in the scale of the largest, exact, with a sign, and as many decimals as the
 * finest of them needs.
 *
 * @param values - integers in `unit`
 *
 * @example
 * formatAlike([3_237n, 7n, -1n], "ns") // => { symbol: 'µs', texts: [ '+3.237', '+0.007', '−0.001' ] }
 */
export function formatAlike(values: readonly bigint[], unit: Unit): AlikeNumbers {
  if (!isNumericUnit(unit)) throw new TypeError(`formatAlike: expected a unit of numbers, got ${unit}`);
  const largest = values.map(magnitude).reduce((a, b) => (a > b ? a : b), 0n);
  const base = baseScale(unit);
  const scale = commonScale(largest, scalesFrom(unit), base);
  const size = scale.size / base.size;
  const digits = size.toString().length - 1;
  const fractions = values.map((value) => (magnitude(value) % size).toString().padStart(digits, "0"));
  const needed = Math.max(0, ...fractions.map((fraction) => fraction.replace(/0+$/, "").length));
  const texts = values.map((value, i) => {
    const sign = value < 0n ? MINUS : value > 0n ? "+" : "";
    const fraction = digits === 0 || needed === 0 ? "" : `.${fractions[i]?.slice(0, needed)}`;
    return sign + groupThousands(magnitude(value) / size) + fraction;
  });
  return { symbol: scale.symbol, texts };
}
