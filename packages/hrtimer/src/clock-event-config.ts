import { calcMultShift } from "@chronovisor/clocksource";

/**
 * The fixed conversion a clock event device is registered with (`clockevents_config`, `clocks_calc_mult_shift`,
 * `cev_delta2ns`; kernel/time/clockevents.c and clocksource.c; docs/model/hrtimer §6.2).
 *
 * It is computed once from the frequency the kernel believes in. NTP changes how fast CLOCK_MONOTONIC runs, never this.
 */

const NSEC_PER_SEC = 1_000_000_000;
const U32_MAX = 2n ** 32n - 1n;
const U64_MAX = 2n ** 64n - 1n;
/** A device wider than 32 bits is not asked to convert more than ten minutes exactly. */
const MAX_SECONDS = 600n;
/** Programming less than 1 µs ahead is noise to the kernel. */
const MIN_DELTA_NS = 1000n;

/** What a device counts in and how far it reaches. */
export interface ClockEventHardwareLimits {
  /** Ticks per second, 1 … 2^32−1. */
  readonly freqHz: number;
  /** Fewest ticks it can be set to, unsigned 64-bit. */
  readonly minTicks: bigint;
  /** Most ticks it can be set to, unsigned 64-bit. */
  readonly maxTicks: bigint;
}

/** ticks = (ns · mult) >> shift, for ns clamped to [minDeltaNs, maxDeltaNs]. */
export interface ClockEventConfig {
  /** Unsigned 32-bit. */
  readonly mult: number;
  /** 0 … 32. */
  readonly shift: number;
  readonly minDeltaNs: bigint;
  readonly maxDeltaNs: bigint;
}

/**
 * Computes a device's conversion and its reach in nanoseconds.
 *
 * The multiplier is the largest that keeps the device's reach (1 s to 600 s) convertible without overflowing 64 bits,
 * rounded to nearest; the limits are rounded up, except a maximum whose multiplier is above 2^shift, and are at least 1 µs.
 *
 * @throws RangeError for a frequency outside 1 … 2^32−1, or unless 0 ≤ minTicks ≤ maxTicks < 2^64 and maxTicks > 0.
 * @example
 * const config = clockEventConfig({ freqHz: 312_500_000, minTicks: 15n, maxTicks: 2n ** 64n - 1n });
 * config // => { mult: 10485760, shift: 25, minDeltaNs: 1000n, maxDeltaNs: 1759218604441n }
 */
export function clockEventConfig(limits: ClockEventHardwareLimits): ClockEventConfig {
  const { freqHz, minTicks, maxTicks } = limits;
  if (!(Number.isInteger(freqHz) && freqHz >= 1 && freqHz <= Number(U32_MAX))) {
    throw new RangeError(`clockEventConfig: expected freqHz from 1 to ${U32_MAX}, got ${freqHz}`);
  }
  if (typeof minTicks !== "bigint" || typeof maxTicks !== "bigint") {
    throw new TypeError(
      `clockEventConfig: expected minTicks and maxTicks to be bigints, got ${typeof minTicks} and ${typeof maxTicks}`,
    );
  }
  if (!(minTicks >= 0n && minTicks <= maxTicks && maxTicks > 0n && maxTicks <= U64_MAX)) {
    throw new RangeError(
      `clockEventConfig: expected 0 <= minTicks <= maxTicks < 2^64, got ${minTicks} and ${maxTicks}`,
    );
  }
  const { mult, shift } = calcMultShift(NSEC_PER_SEC, freqHz, Number(reachSeconds(BigInt(freqHz), maxTicks)));
  return {
    mult,
    shift,
    minDeltaNs: ticksToNs(minTicks, BigInt(mult), BigInt(shift), "min"),
    maxDeltaNs: ticksToNs(maxTicks, BigInt(mult), BigInt(shift), "max"),
  };
}

function reachSeconds(freqHz: bigint, maxTicks: bigint): bigint {
  const seconds = maxTicks / freqHz;
  if (seconds === 0n) return 1n;
  return seconds > MAX_SECONDS && maxTicks > U32_MAX ? MAX_SECONDS : seconds;
}

function ticksToNs(ticks: bigint, mult: bigint, shift: bigint, bound: "max" | "min"): bigint {
  const exact = ticks << shift;
  let scaled = exact > U64_MAX ? U64_MAX : exact;
  const roundUp = mult - 1n;
  const mayRound = bound === "min" || mult <= 1n << shift;
  if (U64_MAX - scaled > roundUp && mayRound) scaled += roundUp;
  const ns = scaled / mult;
  return ns > MIN_DELTA_NS ? ns : MIN_DELTA_NS;
}
