/** Argument checks of the public faces: a caller's mistake throws, with the function and the argument named. */

const U64_MAX = 2n ** 64n - 1n;
const U32_MAX = 2 ** 32 - 1;

/** Throws unless `value` is a whole number in `min` … `max`. */
export function checkInteger(fn: string, what: string, value: number, min: number, max: number): void {
  if (typeof value !== "number")
    throw new TypeError(`${fn}: expected ${what} to be a number, got ${typeof value}`);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${fn}: expected ${what} in ${min} … ${max}, got ${value}`);
  }
}

/** Throws unless `value` is an unsigned 32-bit integer. */
export function checkU32(fn: string, what: string, value: number): void {
  checkInteger(fn, what, value, 0, U32_MAX);
}

/** Throws unless `value` is a bigint in 0 … 2^64−1. */
export function checkU64(fn: string, what: string, value: bigint): void {
  checkBigint(fn, what, value);
  if (value < 0n || value > U64_MAX) {
    throw new RangeError(`${fn}: expected ${what} to be an unsigned 64-bit value, got ${value}`);
  }
}

/** Throws unless `value` is a bigint in −2^63 … 2^63−1. */
export function checkS64(fn: string, what: string, value: bigint): void {
  checkBigint(fn, what, value);
  if (BigInt.asIntN(64, value) !== value) {
    throw new RangeError(`${fn}: expected ${what} to be a signed 64-bit value, got ${value}`);
  }
}

/** Throws unless `value` is one of `allowed`. */
export function checkOneOf<T>(fn: string, what: string, value: T, allowed: readonly T[]): void {
  if (!allowed.includes(value)) {
    throw new RangeError(`${fn}: expected ${what} to be one of ${allowed.join(", ")}, got ${String(value)}`);
  }
}

/** Throws unless `value` is a boolean. */
export function checkBoolean(fn: string, what: string, value: boolean): void {
  if (typeof value !== "boolean")
    throw new TypeError(`${fn}: expected ${what} to be a boolean, got ${typeof value}`);
}

/** The u64 a saved state holds as a decimal string. */
export function savedU64(fn: string, what: string, decimal: string): bigint {
  const value = BigInt(decimal);
  checkU64(fn, what, value);
  return value;
}

/** The s64 a saved state holds as a decimal string. */
export function savedS64(fn: string, what: string, decimal: string): bigint {
  const value = BigInt(decimal);
  checkS64(fn, what, value);
  return value;
}

function checkBigint(fn: string, what: string, value: bigint): void {
  if (typeof value !== "bigint")
    throw new TypeError(`${fn}: expected ${what} to be a bigint, got ${typeof value}`);
}
