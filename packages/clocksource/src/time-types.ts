/**
 * Time and cycles of different clocks are different types, so that adding a guest deadline to a host counter does not
 * compile. At run time each is a plain `bigint`; the brand exists only for the compiler.
 */

declare const clock: unique symbol;

type Branded<Name extends string> = bigint & { readonly [clock]: Name };

/** Nanoseconds of the host's CLOCK_MONOTONIC, signed 64-bit (`ktime_t`). */
export type MonotonicNs = Branded<"CLOCK_MONOTONIC ns">;
/** Nanoseconds of the host's CLOCK_MONOTONIC_RAW, signed 64-bit. */
export type MonotonicRawNs = Branded<"CLOCK_MONOTONIC_RAW ns">;
/** Nanoseconds of the host's CLOCK_BOOTTIME, signed 64-bit. */
export type BoottimeNs = Branded<"CLOCK_BOOTTIME ns">;
/** Nanoseconds of the host's CLOCK_REALTIME since 1970-01-01T00:00:00Z, signed 64-bit. */
export type RealtimeNs = Branded<"CLOCK_REALTIME ns">;
/** Nanoseconds of the host's CLOCK_TAI, signed 64-bit. */
export type TaiNs = Branded<"CLOCK_TAI ns">;
/** Nanoseconds of a guest's kvmclock, unsigned 64-bit. */
export type KvmclockNs = Branded<"kvmclock ns">;
/** Cycles of the host's physical time-stamp counter, unsigned 64-bit. */
export type HostTsc = Branded<"host TSC cycles">;
/** Cycles of a guest's (L1) time-stamp counter, unsigned 64-bit: scaled and offset from {@link HostTsc}. */
export type GuestTsc = Branded<"guest TSC cycles">;

const S64_MIN = -(2n ** 63n);
const S64_MAX = 2n ** 63n - 1n;
const U64_MAX = 2n ** 64n - 1n;

function checked<T extends bigint>(fn: string, value: bigint, min: bigint, max: bigint, width: string): T {
  if (typeof value !== "bigint") throw new TypeError(`${fn}: expected a bigint, got ${typeof value}`);
  if (value < min || value > max) throw new RangeError(`${fn}: expected ${width}, got ${value}`);
  return value as T;
}

const signed = <T extends bigint>(fn: string, value: bigint): T =>
  checked<T>(fn, value, S64_MIN, S64_MAX, "a signed 64-bit count of nanoseconds");

const unsigned = <T extends bigint>(fn: string, value: bigint, unit: string): T =>
  checked<T>(fn, value, 0n, U64_MAX, `an unsigned 64-bit count of ${unit}`);

/**
 * Brands a plain bigint as CLOCK_MONOTONIC nanoseconds.
 *
 * @param ns - nanoseconds, −2^63 … 2^63−1; never wraps.
 * @returns the same value, branded.
 * @throws RangeError outside signed 64 bits, TypeError for anything but a bigint.
 * @example
 * monotonicNs(1_000_000n) // => 1000000n
 */
export const monotonicNs = (ns: bigint): MonotonicNs => signed("monotonicNs", ns);

/**
 * Brands a plain bigint as CLOCK_MONOTONIC_RAW nanoseconds.
 *
 * @param ns - nanoseconds, −2^63 … 2^63−1; never wraps.
 * @returns the same value, branded.
 * @throws RangeError outside signed 64 bits, TypeError for anything but a bigint.
 * @example
 * monotonicRawNs(5n) // => 5n
 */
export const monotonicRawNs = (ns: bigint): MonotonicRawNs => signed("monotonicRawNs", ns);

/**
 * Brands a plain bigint as CLOCK_BOOTTIME nanoseconds.
 *
 * @param ns - nanoseconds, −2^63 … 2^63−1; never wraps.
 * @returns the same value, branded.
 * @throws RangeError outside signed 64 bits, TypeError for anything but a bigint.
 * @example
 * boottimeNs(5n) // => 5n
 */
export const boottimeNs = (ns: bigint): BoottimeNs => signed("boottimeNs", ns);

/**
 * Brands a plain bigint as CLOCK_REALTIME nanoseconds.
 *
 * @param ns - nanoseconds since the epoch, −2^63 … 2^63−1; never wraps.
 * @returns the same value, branded.
 * @throws RangeError outside signed 64 bits, TypeError for anything but a bigint.
 * @example
 * realtimeNs(1_700_000_000_000_000_000n) // => 1700000000000000000n
 */
export const realtimeNs = (ns: bigint): RealtimeNs => signed("realtimeNs", ns);

/**
 * Brands a plain bigint as CLOCK_TAI nanoseconds.
 *
 * @param ns - nanoseconds, −2^63 … 2^63−1; never wraps.
 * @returns the same value, branded.
 * @throws RangeError outside signed 64 bits, TypeError for anything but a bigint.
 * @example
 * taiNs(5n) // => 5n
 */
export const taiNs = (ns: bigint): TaiNs => signed("taiNs", ns);

/**
 * Brands a plain bigint as kvmclock nanoseconds.
 *
 * @param ns - nanoseconds, 0 … 2^64−1; never wraps.
 * @returns the same value, branded.
 * @throws RangeError outside unsigned 64 bits, TypeError for anything but a bigint.
 * @example
 * kvmclockNs(5n) // => 5n
 */
export const kvmclockNs = (ns: bigint): KvmclockNs => unsigned("kvmclockNs", ns, "nanoseconds");

/**
 * Brands a plain bigint as host TSC cycles.
 *
 * @param cycles - host counter value, 0 … 2^64−1; never wraps.
 * @returns the same value, branded.
 * @throws RangeError outside unsigned 64 bits, TypeError for anything but a bigint.
 * @example
 * hostTsc(2_500_000_000n) // => 2500000000n
 */
export const hostTsc = (cycles: bigint): HostTsc => unsigned("hostTsc", cycles, "cycles");

/**
 * Brands a plain bigint as guest (L1) TSC cycles.
 *
 * @param cycles - guest counter value, 0 … 2^64−1; never wraps.
 * @returns the same value, branded.
 * @throws RangeError outside unsigned 64 bits, TypeError for anything but a bigint.
 * @example
 * guestTsc(7n) // => 7n
 */
export const guestTsc = (cycles: bigint): GuestTsc => unsigned("guestTsc", cycles, "cycles");
