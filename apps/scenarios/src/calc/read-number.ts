/** Numbers of the calculators' options: text as typed becomes an exact value in range, or an error naming the option. */
import { ChronovisorError, unknownName } from "../errors.js";
import type { NumericUnit } from "../units/dimensions.js";
import { parseQuantity } from "../units/parse-quantity.js";
import { type Fraction, fraction } from "./fraction.js";

const U32_MAX = 2n ** 32n - 1n;
const U64_MAX = 2n ** 64n - 1n;
const S64_MIN = -(2n ** 63n);
const HEXADECIMAL = /^\s*0x/i;
const DECIMAL = /^\s*([+\-\u2212]?)(\d+)(?:\.(\d+))?\s*(?:ppm)?\s*$/;

/** Inclusive bounds. */
interface Range {
  readonly min: bigint;
  readonly max: bigint;
}

function readInRange(option: string, text: string, unit: NumericUnit, { min, max }: Range): bigint {
  let value: bigint;
  try {
    value = parseQuantity(text, HEXADECIMAL.test(text) && unit === "ns" ? "count" : unit);
  } catch (error) {
    if (error instanceof ChronovisorError) throw new ChronovisorError(`${option}: ${error.message}`);
    throw error;
  }
  if (value >= min && value <= max) return value;
  const symbol = unit === "count" ? "" : ` ${unit}`;
  throw new ChronovisorError(`${option}: expected ${min} to ${max}${symbol}, got "${text}"`);
}

/** A frequency in kHz, 1 … 2^32−1: `2500000` or `2.5GHz`. */
export function readKhz(option: string, text: string): number {
  return Number(readInRange(option, text, "kHz", { min: 1n, max: U32_MAX }));
}

/** A frequency in Hz, 1 … 2^32−1: `1000000000` or `1GHz`. */
export function readHz(option: string, text: string): number {
  return Number(readInRange(option, text, "Hz", { min: 1n, max: U32_MAX }));
}

/** A whole number in a range that a number holds; decimal or hexadecimal. */
export function readInteger(option: string, text: string, min: number, max: number): number {
  return Number(readInRange(option, text, "count", { min: BigInt(min), max: BigInt(max) }));
}

/** Cycles, 0 … 2^64−1, decimal or hexadecimal. */
export function readCycleCount(option: string, text: string): bigint {
  return readInRange(option, text, "cycles", { min: 0n, max: U64_MAX });
}

/** Nanoseconds, 0 … 2^64−1: decimal, with a unit of time, or hexadecimal. */
export function readNanoseconds(option: string, text: string): bigint {
  return readInRange(option, text, "ns", { min: 0n, max: U64_MAX });
}

/** A TSC offset, signed or as the 64-bit pattern it is stored as; the pattern is returned. */
export function readTscOffset(option: string, text: string): bigint {
  return BigInt.asUintN(64, readInRange(option, text, "cycles", { min: S64_MIN, max: U64_MAX }));
}

/** A rate in ppm with any number of decimals, exact; `limit` either way. */
export function readPpm(option: string, text: string, limit: bigint): Fraction {
  const [, sign = "", whole = "", decimals = ""] = DECIMAL.exec(text) ?? [];
  if (whole === "")
    throw new ChronovisorError(`${option}: expected ppm such as 12.5 or -0.25, got "${text}"`);
  const scale = 10n ** BigInt(decimals.length);
  const magnitude = BigInt(whole + decimals);
  if (magnitude > limit * scale) {
    throw new ChronovisorError(`${option}: expected -${limit} to ${limit} ppm, got "${text}"`);
  }
  return fraction(sign === "" || sign === "+" ? magnitude : -magnitude, scale);
}

/** One of `values`. */
export function readChoice<Value extends string>(
  option: string,
  text: string,
  values: readonly Value[],
): Value {
  const found = values.find((value) => value === text);
  if (found === undefined) throw unknownName(option, text, values);
  return found;
}
