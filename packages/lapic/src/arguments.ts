/** Argument checks of the public single-call faces; hot internal paths do not use them. */

const U64_MAX = 2n ** 64n - 1n;
const S64_MIN = -(2n ** 63n);
const S64_MAX = 2n ** 63n - 1n;

/** Throws unless `value` is an integer in `min` … `max`. */
export function checkInteger(fn: string, what: string, value: number, min: number, max: number): void {
  if (typeof value !== "number")
    throw new TypeError(`${fn}: expected ${what} to be a number, got ${typeof value}`);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${fn}: expected ${what} in ${min} … ${max}, got ${value}`);
  }
}

/** Throws unless `value` is an unsigned 32-bit integer. */
export function checkU32(fn: string, what: string, value: number): void {
  // A bigint has no >>>, and its error would not name the function.
  if (typeof value !== "number" || value >>> 0 !== value) checkInteger(fn, what, value, 0, 0xffff_ffff);
}

/** Throws unless `vector` is an interrupt vector, 0 … 255. */
export function checkVector(fn: string, vector: number): void {
  // Several times per interrupt: one mask decides where nothing is wrong.
  if (typeof vector !== "number" || (vector & 0xff) !== vector) checkInteger(fn, "vector", vector, 0, 255);
}

/** Throws unless `value` is an unsigned 64-bit bigint. */
export function checkU64(fn: string, what: string, value: bigint): void {
  if (typeof value !== "bigint")
    throw new TypeError(`${fn}: expected ${what} to be a bigint, got ${typeof value}`);
  if (value < 0n || value > U64_MAX) {
    throw new RangeError(`${fn}: expected ${what} to be an unsigned 64-bit value, got ${value}`);
  }
}

/** Throws unless `value` is a signed 64-bit bigint. */
export function checkS64(fn: string, what: string, value: bigint): void {
  if (typeof value !== "bigint")
    throw new TypeError(`${fn}: expected ${what} to be a bigint, got ${typeof value}`);
  if (value < S64_MIN || value > S64_MAX) {
    throw new RangeError(`${fn}: expected ${what} to be a signed 64-bit value, got ${value}`);
  }
}

/** Throws unless `value` is one of `allowed`. */
export function checkOneOf<T>(fn: string, what: string, value: T, allowed: readonly T[]): void {
  if (!allowed.includes(value)) {
    throw new RangeError(`${fn}: expected ${what} to be one of ${allowed.join(", ")}, got ${String(value)}`);
  }
}
