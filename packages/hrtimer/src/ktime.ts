/**
 * `ktime_t` arithmetic (include/linux/ktime.h, kernel/time/hrtimer.c, docs/model/hrtimer §2): signed 64-bit nanoseconds,
 * with the kernel's one saturating addition beside its plain wrapping ones.
 */

/** The kernel's "never": the largest `ktime_t`. */
export const KTIME_MAX: bigint = 2n ** 63n - 1n;
/** The smallest `ktime_t`. */
const KTIME_MIN: bigint = -(2n ** 63n);
const U64_MAX = 2n ** 64n - 1n;

/**
 * Checks that a value is a `ktime_t`.
 *
 * @throws TypeError for anything but a bigint, RangeError outside signed 64 bits.
 */
export function checkKtime(fn: string, what: string, value: bigint): void {
  if (typeof value !== "bigint") {
    throw new TypeError(`${fn}: expected ${what} to be a bigint, got ${typeof value}`);
  }
  if (value < KTIME_MIN || value > KTIME_MAX) {
    throw new RangeError(`${fn}: expected ${what} to be a signed 64-bit count of nanoseconds, got ${value}`);
  }
}

/**
 * Checks that a value is an unsigned 64-bit count of a unit.
 *
 * @throws TypeError for anything but a bigint, RangeError outside unsigned 64 bits.
 */
export function checkU64(fn: string, what: string, value: bigint, unit: string): void {
  if (typeof value !== "bigint") {
    throw new TypeError(`${fn}: expected ${what} to be a bigint, got ${typeof value}`);
  }
  if (value < 0n || value > U64_MAX) {
    throw new RangeError(`${fn}: expected ${what} to be an unsigned 64-bit count of ${unit}, got ${value}`);
  }
}

/**
 * Adds two times, wrapping at signed 64 bits as the kernel's plain additions do.
 *
 * @param lhs - nanoseconds, signed 64-bit.
 * @param rhs - nanoseconds, signed 64-bit.
 * @returns the sum modulo 2^64, seen as signed (`ktime_add`, include/linux/ktime.h).
 * @throws RangeError outside signed 64 bits, TypeError for anything but a bigint.
 * @example
 * ktimeAdd(1n, 2n) // => 3n
 * ktimeAdd(KTIME_MAX, 1n) // => -9223372036854775808n
 */
export function ktimeAdd(lhs: bigint, rhs: bigint): bigint {
  checkKtime("ktimeAdd", "lhs", lhs);
  checkKtime("ktimeAdd", "rhs", rhs);
  return BigInt.asIntN(64, lhs + rhs);
}

/**
 * Subtracts two times, wrapping at signed 64 bits as the kernel's plain subtractions do.
 *
 * @param lhs - nanoseconds, signed 64-bit.
 * @param rhs - nanoseconds, signed 64-bit.
 * @returns lhs − rhs modulo 2^64, seen as signed (`ktime_sub`, include/linux/ktime.h).
 * @throws RangeError outside signed 64 bits, TypeError for anything but a bigint.
 * @example
 * ktimeSub(1n, 2n) // => -1n
 */
export function ktimeSub(lhs: bigint, rhs: bigint): bigint {
  checkKtime("ktimeSub", "lhs", lhs);
  checkKtime("ktimeSub", "rhs", rhs);
  return BigInt.asIntN(64, lhs - rhs);
}

/** {@link ktimeAddSafe} without the argument checks, for the internal paths. */
export function addSafe(lhs: bigint, rhs: bigint): bigint {
  const sum = BigInt.asIntN(64, lhs + rhs); // wraps, as the kernel's s64 addition does before it is judged
  return sum < 0n || sum < lhs || sum < rhs ? KTIME_MAX : sum;
}

/**
 * Adds two times and gives KTIME_MAX when the sum overflows **or an operand is negative**, even if the true sum is small
 * and positive: the kernel's test `sum < 0 || sum < lhs || sum < rhs` cannot tell the two apart. It misses one case: two
 * negative operands whose sum wraps past −2^63 to a non-negative value give that value.
 *
 * @param lhs - nanoseconds, signed 64-bit.
 * @param rhs - nanoseconds, signed 64-bit.
 * @returns the sum, saturated (`ktime_add_safe`, kernel/time/hrtimer.c; docs/model/hrtimer §2).
 * @throws RangeError outside signed 64 bits, TypeError for anything but a bigint.
 * @example
 * ktimeAddSafe(1_000n, 50n) // => 1050n
 * ktimeAddSafe(KTIME_MAX, 1n) // => 9223372036854775807n
 * ktimeAddSafe(-1n, 50_000n) // => 9223372036854775807n
 * ktimeAddSafe(-(2n ** 63n), -(2n ** 63n)) // => 0n
 */
export function ktimeAddSafe(lhs: bigint, rhs: bigint): bigint {
  checkKtime("ktimeAddSafe", "lhs", lhs);
  checkKtime("ktimeAddSafe", "rhs", rhs);
  return addSafe(lhs, rhs);
}
