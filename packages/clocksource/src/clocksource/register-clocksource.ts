/**
 * What the kernel works out when a counter is registered as a clocksource: how it converts, how far it may be steered, and
 * how long it may go unread.
 *
 * Source: `kernel/time/clocksource.c:__clocksource_update_freq_scale`; docs/model/clocksource-tsc §2.2.
 */

import { checkInteger, checkPositiveU32, checkU32, checkU64 } from "../argument-checks.js";
import { DivideError } from "../wide/mul-div.js";
import { maxRawDelta } from "./clocksource-delta.js";
import { cyc2ns } from "./cyc2ns.js";
import { calcMultShift, type MultShift } from "./mult-shift.js";

const NSEC_PER_SEC = 1_000_000_000;
const U32_MAX = 2n ** 32n - 1n;
const U64_MAX = 2n ** 64n - 1n;
/** Seconds a wide counter must be able to go unread. */
const MAX_DEFERMENT_SEC = 600n;
/** How far NTP may steer a multiplier, in percent. */
const MAX_ADJUSTMENT_PERCENT = 11n;
/** Margin of a source that brings its own mult/shift: 10^9 >> 5 ns. */
const SELF_DEFINED_MARGIN_NS = NSEC_PER_SEC >> 5;

/** A counter to register: by frequency, or with a mult/shift of its own. */
export interface ClocksourceRegistration {
  /** Hz per unit of `freq`: 1 for Hz, 1000 for kHz. Not looked at when `freq` is 0. */
  readonly scale: number;
  /** Frequency in units of `scale`, u32; 0 keeps `mult` and `shift`. */
  readonly freq: number;
  /** The counter's mask, u64. */
  readonly mask: bigint;
  /** Self-defined pair, for `freq` 0 only. Default 0. */
  readonly mult?: number;
  readonly shift?: number;
  /** The caller's uncertainty margin in ns, u32; 0 (the default) has it computed. */
  readonly uncertaintyMarginNs?: number;
  /** The watchdog's allowance for one reading, ns (`WATCHDOG_MAX_SKEW`); see {@link WATCHDOG_TUNING}. */
  readonly watchdogMaxSkewNs: number;
}

/** A registered clocksource. */
export interface ClocksourceRates extends MultShift {
  /** How far the multiplier may be steered either way: 11 %, u32. */
  readonly maxadj: number;
  /** Cycles that any steered multiplier can convert without wrapping 64 bits. Carries no safety margin. */
  readonly maxCycles: bigint;
  /** Nanoseconds the counter may go unread, half of what `maxCycles` allows. */
  readonly maxIdleNs: bigint;
  /** The largest difference that is not motion backwards. */
  readonly maxRawDelta: bigint;
  /** What the watchdog allows this source, ns. */
  readonly uncertaintyMarginNs: number;
  /** Whether the kernel would have warned: a margin below twice the skew, or a steered multiplier over 32 bits. */
  readonly warned: boolean;
}

/**
 * The most a multiplier may be steered: 11 % of it, floored.
 *
 * @param mult - unsigned 32-bit.
 * @returns the adjustment, unsigned 32-bit.
 * @throws TypeError or RangeError unless `mult` is a u32.
 * Source: `kernel/time/clocksource.c:clocksource_max_adjustment`; docs/model/clocksource-tsc §2.2.
 * @example
 * maxAdjustment(6710886) // => 738197
 */
export function maxAdjustment(mult: number): number {
  checkU32("maxAdjustment", "mult", mult);
  return Number((BigInt(mult) * MAX_ADJUSTMENT_PERCENT) / 100n);
}

/**
 * How many cycles, and how long, a clocksource may go unread.
 *
 * @param mult - unsigned 32-bit.
 * @param shift - 0 … 63.
 * @param maxadj - unsigned 32-bit.
 * @param mask - the counter's mask, u64.
 * @returns `maxCycles`, the largest difference no steered multiplier overflows on, and `maxNs`, its length at the slowest
 * multiplier, halved as a safety margin.
 * @throws DivideError when `mult + maxadj` is 0 mod 2^32; TypeError or RangeError for an argument outside its width.
 * Source: `kernel/time/clocksource.c:clocks_calc_max_nsecs`; docs/model/clocksource-tsc §2.2.
 * @example
 * calcMaxNsecs(8388608, 23, 922746, 2n ** 64n - 1n) // => { maxNs: 881590591483n, maxCycles: 1981102219259n }
 */
export function calcMaxNsecs(
  mult: number,
  shift: number,
  maxadj: number,
  mask: bigint,
): { maxNs: bigint; maxCycles: bigint } {
  checkU32("calcMaxNsecs", "mult", mult);
  checkInteger("calcMaxNsecs", "shift", shift, 0, 63);
  checkU32("calcMaxNsecs", "maxadj", maxadj);
  checkU64("calcMaxNsecs", "mask", mask);
  // Both sums wrap at 32 bits, as unsigned int does.
  const fastest = BigInt((mult + maxadj) >>> 0);
  const slowest = (mult - maxadj) >>> 0;
  if (fastest === 0n) throw new DivideError("calcMaxNsecs", U64_MAX, 0n);
  const unwrapped = U64_MAX / fastest;
  const maxCycles = unwrapped < mask ? unwrapped : mask;
  return { maxNs: BigInt.asUintN(64, cyc2ns(maxCycles, slowest, shift)) >> 1n, maxCycles };
}

/**
 * What the kernel works out for a counter being registered.
 *
 * @param registration - see {@link ClocksourceRegistration}.
 * @returns see {@link ClocksourceRates}.
 * @throws DivideError when a self-defined multiplier plus its adjustment is 0 mod 2^32; TypeError or RangeError for a
 * member outside its width.
 * Source: `kernel/time/clocksource.c:__clocksource_update_freq_scale`; docs/model/clocksource-tsc §2.2.
 * @example
 * const tsc = { scale: 1000, freq: 2_500_000, mask: 2n ** 64n - 1n, watchdogMaxSkewNs: 125_000 };
 * const { mult, shift, maxIdleNs } = registerClocksource(tsc);
 * [mult, shift, maxIdleNs] // => [ 6710886, 24, 440795263295n ]
 */
export function registerClocksource(registration: ClocksourceRegistration): ClocksourceRates {
  const { scale, freq, mask, watchdogMaxSkewNs, uncertaintyMarginNs = 0 } = registration;
  const fn = "registerClocksource";
  checkU32(fn, "scale", scale);
  checkU32(fn, "freq", freq);
  if (freq !== 0) checkPositiveU32(fn, "scale", scale);
  checkU64(fn, "mask", mask);
  checkU32(fn, "uncertaintyMarginNs", uncertaintyMarginNs);
  checkInteger(fn, "watchdogMaxSkewNs", watchdogMaxSkewNs, 0, 2 ** 31 - 1);
  checkU32(fn, "mult", registration.mult ?? 0);
  checkInteger(fn, "shift", registration.shift ?? 0, 0, 63);

  const pair =
    freq === 0
      ? { mult: registration.mult ?? 0, shift: registration.shift ?? 0 }
      : multShiftOf(scale, freq, mask);
  const leastMarginNs = 2 * watchdogMaxSkewNs;
  const marginNs = uncertaintyMarginNs || defaultMarginNs(scale, freq, leastMarginNs);
  const { mult, shift, maxadj } =
    freq === 0 ? { ...pair, maxadj: maxAdjustment(pair.mult) } : makeRoomToSteer(pair);
  const { maxNs, maxCycles } = calcMaxNsecs(mult, shift, maxadj, mask);
  return {
    mult,
    shift,
    maxadj,
    maxCycles,
    maxIdleNs: maxNs,
    maxRawDelta: maxRawDelta(mask),
    uncertaintyMarginNs: marginNs,
    warned: marginNs < leastMarginNs || overflows(mult, maxadj),
  };
}

function multShiftOf(scale: number, freq: number, mask: bigint): MultShift {
  let seconds = mask / BigInt(freq) / BigInt(scale);
  if (seconds === 0n) seconds = 1n;
  else if (seconds > MAX_DEFERMENT_SEC && mask > U32_MAX) seconds = MAX_DEFERMENT_SEC;
  // The argument is a u32 in C, which 600 s at a scale above 7 158 278 leave.
  const maxsec = Number(BigInt.asUintN(32, seconds * BigInt(scale)));
  return calcMultShift(freq, Math.floor(NSEC_PER_SEC / scale), maxsec);
}

/** The resolution of the counter, but no less than the watchdog can tell apart. */
function defaultMarginNs(scale: number, freq: number, leastMarginNs: number): number {
  if (freq === 0) return SELF_DEFINED_MARGIN_NS;
  // A 32-bit product: it wraps above 4 294 967 kHz.
  const hz = Number(BigInt.asUintN(32, BigInt(scale) * BigInt(freq)));
  if (hz === 0) throw new DivideError("registerClocksource", BigInt(NSEC_PER_SEC), 0n);
  return Math.max(Math.floor(NSEC_PER_SEC / hz), leastMarginNs);
}

/** Halves the multiplier until steering it up does not leave 32 bits. */
function makeRoomToSteer(pair: MultShift): MultShift & { readonly maxadj: number } {
  let { mult, shift } = pair;
  let maxadj = maxAdjustment(mult);
  while (overflows(mult, maxadj)) {
    mult >>>= 1;
    shift -= 1;
    maxadj = maxAdjustment(mult);
  }
  return { mult, shift, maxadj };
}

/** An adjustment is 11 % of its multiplier, so only the sum can leave 32 bits, never the difference. */
function overflows(mult: number, maxadj: number): boolean {
  return mult + maxadj >= 2 ** 32;
}
