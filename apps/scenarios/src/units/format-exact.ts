import { baseScale, type NumericUnit, type Scale, scalesFrom } from "./dimensions.js";
import { groupThousands } from "./group-thousands.js";
import { MINUS } from "./minus.js";

/** A fraction longer than this reads worse than the next smaller unit. */
const MAX_DECIMALS = 3;

/** Minutes, hours and days are written only when whole: 90 s is not 1.5 min. */
const isDecimal = (scale: Scale): boolean => !["min", "h", "d"].includes(scale.symbol);

interface ExactParts {
  readonly sign: "negative" | "positive";
  readonly whole: bigint;
  /** Without trailing zeros. */
  readonly fraction: string;
  readonly scale: Scale;
}

/** The largest scale that writes `value` with a whole part of at least 1 and at most three decimals. */
function exactParts(value: bigint, unit: NumericUnit): ExactParts {
  const base = baseScale(unit);
  const sign = value < 0n ? "negative" : "positive";
  const magnitude = value < 0n ? -value : value;
  for (const scale of [...scalesFrom(unit)].reverse()) {
    const size = scale.size / base.size;
    const shift = isDecimal(scale) ? 10n ** BigInt(MAX_DECIMALS) : 1n;
    if (magnitude >= size && (magnitude * shift) % size === 0n) {
      const thousandths = (magnitude % size) * 10n ** BigInt(MAX_DECIMALS);
      const fraction = (thousandths / size).toString().padStart(MAX_DECIMALS, "0").replace(/0+$/, "");
      return { sign, whole: magnitude / size, fraction, scale };
    }
  }
  return { sign, whole: magnitude, fraction: "", scale: base };
}

/**
 * `value` as one would type it, exactly: `10m`, `1.5ms`, `2.5GHz`, `-50ppm`. `parseQuantity` gives the same value back.
 *
 * @example
 * formatInput(600_000_000_000n, "ns") // => '10m'
 */
export function formatInput(value: bigint, unit: NumericUnit): string {
  const { sign, whole, fraction, scale } = exactParts(value, unit);
  const symbol = unit === "cycles" ? "" : scale.typed[0];
  return `${sign === "negative" ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}${symbol}`;
}

/**
 * `value` for reading, exactly: `10 min`, `1.5 ms`, `2.5 GHz`, `1 000 000`. For what was asked for, which is never
 * rounded; what was measured goes through `formatQuantity`.
 *
 * @example
 * formatExact(600_000_000_000n, "ns") // => '10 min'
 */
export function formatExact(value: bigint, unit: NumericUnit): string {
  const { sign, whole, fraction, scale } = exactParts(value, unit);
  const number = `${sign === "negative" ? MINUS : ""}${groupThousands(whole)}${fraction === "" ? "" : `.${fraction}`}`;
  return scale.symbol === "" ? number : `${number} ${scale.symbol}`;
}
