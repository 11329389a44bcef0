import { checkInteger, checkOneOf, checkU64 } from "../argument-checks.js";
import { CLOCKSOURCE_BEHAVIOURS, type ClocksourceBehaviours } from "../behaviours.js";

/**
 * What counts as a counter that went backwards: `msb`, the top bit of the masked difference (up to 6.1 and beyond); or
 * `seven-eighths`, more than 0.875 of the counter's width (6.12).
 */
export type DeltaRule = ClocksourceBehaviours["negMotion"];

/**
 * The mask of a counter of so many bits.
 *
 * @param bits - 1 … 64.
 * @returns `2^bits − 1`.
 * @throws TypeError or RangeError unless `bits` is a whole number in 1 … 64.
 * Source: `include/linux/clocksource.h:CLOCKSOURCE_MASK`.
 * @example
 * clocksourceMask(24) // => 16777215n
 */
export function clocksourceMask(bits: number): bigint {
  checkInteger("clocksourceMask", "bits", bits, 1, 64);
  return 2n ** BigInt(bits) - 1n;
}

/**
 * The largest difference that still counts as forward motion under `seven-eighths`: a half, a quarter and an eighth of the
 * mask, each floored (8 bits: 127 + 63 + 31 = 221).
 *
 * @param mask - the counter's mask, u64.
 * @returns the difference in cycles (`max_raw_delta`).
 * @throws TypeError or RangeError unless `mask` is a u64.
 * Source: `kernel/time/clocksource.c:clocksource_update_max_deferment`; docs/model/clocksource-tsc §1.
 * @example
 * maxRawDelta(255n) // => 221n
 */
export function maxRawDelta(mask: bigint): bigint {
  checkU64("maxRawDelta", "mask", mask);
  return (mask >> 1n) + (mask >> 2n) + (mask >> 3n);
}

/**
 * Cycles from `last` to `now`, or 0 when that reads as motion backwards.
 *
 * @param now - counter value, u64.
 * @param last - earlier counter value, u64.
 * @param mask - the counter's mask, u64.
 * @param maxRaw - the largest forward difference (see {@link maxRawDelta}), u64; `msb` does not look at it.
 * @param rule - which kernel's notion of backwards.
 * @returns the masked difference, or 0.
 * @throws TypeError or RangeError for an argument outside its domain.
 * Source: `kernel/time/timekeeping_internal.h:clocksource_delta`; docs/model/clocksource-tsc §1.
 * @example
 * clocksourceDelta(3n, 250n, 255n, 221n, "seven-eighths") // => 9n
 * clocksourceDelta(2n, 7n, 255n, 221n, "seven-eighths") // => 0n
 * clocksourceDelta(200n, 7n, 255n, 221n, "msb") // => 0n
 */
export function clocksourceDelta(
  now: bigint,
  last: bigint,
  mask: bigint,
  maxRaw: bigint,
  rule: DeltaRule,
): bigint {
  checkU64("clocksourceDelta", "now", now);
  checkU64("clocksourceDelta", "last", last);
  checkU64("clocksourceDelta", "mask", mask);
  checkU64("clocksourceDelta", "maxRaw", maxRaw);
  checkOneOf("clocksourceDelta", "rule", rule, CLOCKSOURCE_BEHAVIOURS.negMotion);
  const delta = (now - last) & mask;
  const largest = rule === "msb" ? mask >> 1n : maxRaw;
  return isBackwards(delta, largest, rule) ? 0n : delta;
}

/** `msb` looks at every bit above half the mask, which differs from a comparison when the mask has holes. */
function isBackwards(delta: bigint, largest: bigint, rule: DeltaRule): boolean {
  return rule === "msb" ? (delta & ~largest) !== 0n : delta > largest;
}
