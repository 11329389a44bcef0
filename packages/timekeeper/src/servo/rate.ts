import { magnitude } from "./signed-division.js";

/**
 * How far adjtimex can move the clock's rate, and with which tick and frequency (docs/model/timekeeping-ntp §3).
 *
 * A rate is counted as adjtimex counts `freq`: ppm × 2^16, 1.0 being 65 536 000 000. A tick of 10 001 µs per 1/100 s is
 * +100 ppm.
 */

/** A rate of 1: ns per ns. */
export const RATE_ONE: bigint = 1_000_000n << 16n;
const RATE_PER_TICK = 100n << 16n;
const NOMINAL_TICK = 10_000n;
/** Ticks from nominal to 9000 or 11 000, beyond which the kernel answers −EINVAL. */
const MAX_TICKS = 1_000n;
/** ±500 ppm, where the kernel clamps `freq`. */
const MAX_FREQ = 500n << 16n;
/** What both together reach: 100 500 ppm. */
export const MAX_RATE: bigint = MAX_TICKS * RATE_PER_TICK + MAX_FREQ;
/** The same in parts per 10^9. */
export const MAX_RATE_PPB = 100_500_000;

/** The two adjtimex fields. */
export interface TickAndFreq {
  /** µs per 1/100 s, 9000 … 11 000. */
  readonly tick: bigint;
  /** ppm × 2^16, within ±500 ppm. */
  readonly freq: bigint;
}

/** The tick nearest to a rate within ±{@link MAX_RATE}, and the rest as frequency: a tie (50 ppm) stays in the frequency. */
export function splitRate(rate: bigint): TickAndFreq {
  let ticks = (magnitude(rate) + RATE_PER_TICK / 2n - 1n) / RATE_PER_TICK;
  if (ticks > MAX_TICKS) ticks = MAX_TICKS;
  const signed = rate < 0n ? -ticks : ticks;
  return { tick: NOMINAL_TICK + signed, freq: rate - signed * RATE_PER_TICK };
}

/** The rate that tick and frequency make together. */
export function joinRate({ tick, freq }: TickAndFreq): bigint {
  return (tick - NOMINAL_TICK) * RATE_PER_TICK + freq;
}

/** The rate of a figure in parts per 10^9, rounded toward zero. */
export function rateOfPpb(ppb: number): bigint {
  return (BigInt(ppb) << 16n) / 1_000n;
}

/** `rate` within ±`limit`. */
export function clampRate(rate: bigint, limit: bigint): bigint {
  if (rate > limit) return limit;
  return rate < -limit ? -limit : rate;
}
