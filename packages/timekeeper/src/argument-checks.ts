/**
 * The checks of the public faces. A kernel would take any 64 bits; a TypeScript caller who hands over something else made
 * a mistake, and hears of it with the function and the argument named.
 *
 * A u64 is tested by wrapping and comparing: one comparison instead of two, and none against a heap constant.
 */

const U32_MAX = 2 ** 32 - 1;
const DECIMAL = /^-?(?:0|[1-9][0-9]*)$/;

/** Throws unless `value` is a bigint in 0 … 2^64−1. */
export function checkU64(fn: string, name: string, value: bigint): void {
  if (typeof value !== "bigint") wrongType(fn, name, "an unsigned 64-bit bigint", value);
  if (BigInt.asUintN(64, value) !== value) outOfRange(fn, name, "an unsigned 64-bit bigint", value);
}

/** Throws unless `value` is a bigint in −2^63 … 2^63−1. */
export function checkS64(fn: string, name: string, value: bigint | undefined): asserts value is bigint {
  if (typeof value !== "bigint") wrongType(fn, name, "a signed 64-bit bigint", value);
  if (BigInt.asIntN(64, value) !== value) outOfRange(fn, name, "a signed 64-bit bigint", value);
}

/** Throws unless `value` is a whole number in `min` … `max`. */
export function checkInteger(fn: string, name: string, value: number, min: number, max: number): void {
  const what = `a whole number in ${min} … ${max}`;
  if (typeof value !== "number") wrongType(fn, name, what, value);
  if (!Number.isInteger(value) || value < min || value > max) outOfRange(fn, name, what, value);
}

/** Throws unless `value` is a whole number in 0 … 2^32−1. */
export function checkU32(fn: string, name: string, value: number): void {
  if (typeof value !== "number") wrongType(fn, name, "an unsigned 32-bit number", value);
  if (value >>> 0 !== value) outOfRange(fn, name, "an unsigned 32-bit number", value);
}

/** Throws unless `value` is a whole number in −2^31 … 2^31−1, an `int` of the kernel. */
export function checkS32(fn: string, name: string, value: number | undefined): asserts value is number {
  if (typeof value !== "number") wrongType(fn, name, "a signed 32-bit number", value);
  if ((value | 0) !== value) outOfRange(fn, name, "a signed 32-bit number", value);
}

/** Throws unless `value` is a whole number in 1 … 2^32−1: a mult or a frequency, where 0 would divide by zero. */
export function checkPositiveU32(fn: string, name: string, value: number): void {
  checkInteger(fn, name, value, 1, U32_MAX);
}

/** Throws unless `value` is one of `allowed`. */
export function checkOneOf<T extends string | number>(
  fn: string,
  name: string,
  value: T,
  allowed: readonly T[],
): void {
  if (!allowed.includes(value)) outOfRange(fn, name, `one of ${allowed.join(", ")}`, value);
}

/** Throws unless `value` is an object that can carry named fields. */
export function checkObject<T extends object>(
  fn: string,
  name: string,
  value: T | null | undefined,
): asserts value is T {
  if (typeof value !== "object" || value === null) wrongType(fn, name, "an object", value);
}

/** Throws unless `value` is an array. */
export function checkArray(fn: string, name: string, value: unknown): void {
  if (!Array.isArray(value)) wrongType(fn, name, "an array", value);
}

/** Throws unless `value` can be called. */
export function checkFunction(fn: string, name: string, value: unknown): void {
  if (typeof value !== "function") wrongType(fn, name, "a function", value);
}

/** Throws unless `index` is a slot of `out`. */
export function checkSlot(fn: string, out: BigUint64Array, index: number): void {
  if (!(out instanceof BigUint64Array)) wrongType(fn, "out", "a BigUint64Array", out);
  if (!Number.isInteger(index) || index < 0 || index >= out.length) {
    outOfRange(fn, "index", `a slot in 0 … ${out.length - 1}`, index);
  }
}

/** Throws unless `out` and `input` are BigUint64Arrays and `out` has room for every element of `input`. */
export function checkArrays(fn: string, out: BigUint64Array, input: BigUint64Array): void {
  if (!(out instanceof BigUint64Array)) wrongType(fn, "out", "a BigUint64Array", out);
  if (!(input instanceof BigUint64Array)) wrongType(fn, "input", "a BigUint64Array", input);
  if (out.length < input.length) outOfRange(fn, "out", `at least ${input.length} slots`, out.length);
}

/** Reads a u64 written as a decimal string, as a saved state holds it; throws for anything else. */
export function parseU64(fn: string, name: string, text: string): bigint {
  const value = parseDecimal(fn, name, text);
  checkU64(fn, name, value);
  return value;
}

/** Reads an s64 written as a decimal string, as a saved state holds it; throws for anything else. */
export function parseS64(fn: string, name: string, text: string): bigint {
  const value = parseDecimal(fn, name, text);
  checkS64(fn, name, value);
  return value;
}

function parseDecimal(fn: string, name: string, text: string): bigint {
  if (typeof text !== "string") wrongType(fn, name, "a decimal string", text);
  if (!DECIMAL.test(text)) outOfRange(fn, name, "a decimal string", text);
  return BigInt(text);
}

function wrongType(fn: string, name: string, what: string, value: unknown): never {
  throw new TypeError(`${fn}: expected ${name} to be ${what}, got ${describe(value)}`);
}

function outOfRange(fn: string, name: string, what: string, value: unknown): never {
  throw new RangeError(`${fn}: expected ${name} to be ${what}, got ${describe(value)}`);
}

function describe(value: unknown): string {
  if (value === null) return "null";
  return typeof value === "object" || typeof value === "function" ? `a ${typeof value}` : String(value);
}
