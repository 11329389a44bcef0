import { formatQuantity } from "../units/format-quantity.js";
import { magnitude } from "../units/magnitude.js";
import type { Measured, Unit } from "./types.js";

export interface Judgement {
  readonly held: boolean;
  readonly expected: string;
  readonly got: string;
}

/** The measured value of an observation that is a number. */
export function number(measured: Measured, name: string): bigint {
  const value = measured.observations[name];
  if (typeof value !== "bigint") throw new TypeError(`number: expected ${name} to be a number, got ${value}`);
  return value;
}

/** Exactly `expected`. */
export function equals(got: bigint, expected: bigint, unit: Unit): Judgement {
  return { held: got === expected, expected: formatQuantity(expected, unit), got: formatQuantity(got, unit) };
}

/** `expected`, give or take `tolerance`. */
export function within(got: bigint, expected: bigint, tolerance: bigint, unit: Unit): Judgement {
  return {
    held: magnitude(got - expected) <= tolerance,
    expected: `${formatQuantity(expected, unit)} ± ${formatQuantity(tolerance, unit)}`,
    got: formatQuantity(got, unit),
  };
}

/** From `low` to `high`, both included. */
export function between(got: bigint, low: bigint, high: bigint, unit: Unit): Judgement {
  return {
    held: got >= low && got <= high,
    expected: `${formatQuantity(low, unit)} to ${formatQuantity(high, unit)}`,
    got: formatQuantity(got, unit),
  };
}

/** At most `limit`. */
export function atMost(got: bigint, limit: bigint, unit: Unit): Judgement {
  return {
    held: got <= limit,
    expected: `at most ${formatQuantity(limit, unit)}`,
    got: formatQuantity(got, unit),
  };
}

/** At least `limit`. */
export function atLeast(got: bigint, limit: bigint, unit: Unit): Judgement {
  return {
    held: got >= limit,
    expected: `at least ${formatQuantity(limit, unit)}`,
    got: formatQuantity(got, unit),
  };
}

/** The word `expected`. */
export function is(got: bigint | string | boolean | undefined, expected: string | boolean): Judgement {
  return { held: got === expected, expected: words(expected), got: words(got) };
}

/** Several at once: held if all are. Those that are not are the ones quoted. */
export function all(judgements: readonly Judgement[]): Judgement {
  const failed = judgements.filter((judgement) => !judgement.held);
  const quoted = failed.length > 0 ? failed : judgements;
  return {
    held: failed.length === 0,
    expected: quoted.map((judgement) => judgement.expected).join("; "),
    got: quoted.map((judgement) => judgement.got).join("; "),
  };
}

function words(value: bigint | string | boolean | undefined): string {
  return typeof value === "boolean" ? formatQuantity(value, "flag") : String(value);
}
