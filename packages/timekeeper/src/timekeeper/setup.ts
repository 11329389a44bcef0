import type { VclockMode } from "@chronovisor/clocksource";
import {
  checkInteger,
  checkObject,
  checkOneOf,
  checkPositiveU32,
  checkU32,
  checkU64,
} from "../argument-checks.js";
import { MAX_HZ, MIN_HZ } from "../ntp/limits.js";

const U = BigInt.asUintN;
const NSEC_PER_SEC = 1_000_000_000n;
/** Fraction bits of ntp_error and of NTP's tick length. */
const NTP_SCALE_SHIFT = 32;

/** A registered clocksource as the timekeeper sees it: what `registerClocksource` works out, and the counter's mask. */
export interface TimekeeperClocksource {
  /** `2^bits − 1` of the counter, 1 … 64 bits. */
  readonly mask: bigint;
  /** Counter cycles to 2^−shift ns, 1 … 2^32−1. */
  readonly mult: number;
  /** 0 … 32: an NTP error has 32 fraction bits, and its shift is 32 minus this one. */
  readonly shift: number;
  /** How far NTP may steer `mult` before the kernel warns, u32; 0 switches the warning off. */
  readonly maxadj: number;
  /** Cycles any steered multiplier converts without wrapping 64 bits, 1 … 2^64−1. */
  readonly maxCycles: bigint;
  /** The largest difference that is not motion backwards, u64. */
  readonly maxRawDelta: bigint;
  /** Whether KVM may read this counter itself (`vdso_clock_mode`). Default `tsc`. */
  readonly vclockMode?: VclockMode;
}

/** What a clocksource's rate and the tick rate make of one tick (`struct timekeeper`, set by `tk_setup_internals`). */
export interface TimekeeperIntervals {
  /** Counter cycles in a tick, rounded to nearest, at least 1, u64 (`cycle_interval`). */
  readonly cycleInterval: bigint;
  /** 2^−shift ns that so many cycles convert to, u64 (`xtime_interval`). Steering changes it. */
  readonly xtimeInterval: bigint;
  /** The true length of a tick minus `xtimeInterval`, 2^−shift ns, s64 (`xtime_remainder`). */
  readonly xtimeRemainder: bigint;
  /** As `xtimeInterval`, for CLOCK_MONOTONIC_RAW; never steered (`raw_interval`). */
  readonly rawInterval: bigint;
  /** `32 − shift` (`ntp_error_shift`). */
  readonly ntpErrorShift: number;
  /** The length of a tick in 2^−32 ns, u64 (`ntp_tick`). */
  readonly ntpTick: bigint;
}

/**
 * What the timekeeper works out when it takes over a clocksource.
 *
 * The tick is rounded to whole cycles, and the remainder says by how much. Because NTP later measures against
 * `xtimeInterval + xtimeRemainder`, an unsteered clock sees no error at all: what `mult / 2^shift` misses of the true
 * frequency (−59.6 ppb at 2.5 GHz) is never corrected.
 *
 * @param clocksource - the counter; its mask and limits are checked but do not enter.
 * @param hz - ticks per second (CONFIG_HZ), 12 … 3000.
 * @returns see {@link TimekeeperIntervals}. Nothing wraps in this domain.
 * @throws TypeError or RangeError for an argument outside its domain.
 * Source: `kernel/time/timekeeping.c:tk_setup_internals`; docs/model/timekeeping-ntp §2.
 * @example
 * const rates = { mult: 6710886, shift: 24, maxadj: 738197, maxCycles: 2476377840562n };
 * const tsc = { ...rates, mask: 2n ** 64n - 1n, maxRawDelta: 16140901064495857661n };
 * const { cycleInterval, xtimeRemainder, ntpTick } = setupInternals(tsc, 250);
 * [cycleInterval, xtimeRemainder, ntpTick] // => [ 10000001n, -2710886n, 17179869184000000n ]
 */
export function setupInternals(clocksource: TimekeeperClocksource, hz: number): TimekeeperIntervals {
  checkClocksource("setupInternals", clocksource);
  checkInteger("setupInternals", "hz", hz, MIN_HZ, MAX_HZ);
  const shift = BigInt(clocksource.shift);
  const mult = BigInt(clocksource.mult);
  const ntpErrorShift = NTP_SCALE_SHIFT - clocksource.shift;
  const ntpInterval = (NSEC_PER_SEC / BigInt(hz)) << shift;
  const rounded = (ntpInterval + mult / 2n) / mult;
  const cycleInterval = rounded === 0n ? 1n : rounded;
  const xtimeInterval = cycleInterval * mult;
  return {
    cycleInterval,
    xtimeInterval,
    xtimeRemainder: ntpInterval - xtimeInterval,
    rawInterval: xtimeInterval,
    ntpErrorShift,
    ntpTick: ntpInterval << BigInt(ntpErrorShift),
  };
}

/** Throws unless every member is in its domain. */
export function checkClocksource(fn: string, clocksource: TimekeeperClocksource): void {
  checkObject(fn, "clocksource", clocksource);
  const { mask, mult, shift, maxadj, maxCycles, maxRawDelta, vclockMode = "tsc" } = clocksource;
  checkU64(fn, "mask", mask);
  if (mask === 0n || (mask & U(64, mask + 1n)) !== 0n) {
    throw new RangeError(`${fn}: expected mask to be 2^bits − 1 for 1 … 64 bits, got ${mask}`);
  }
  checkPositiveU32(fn, "mult", mult);
  checkInteger(fn, "shift", shift, 0, NTP_SCALE_SHIFT);
  checkU32(fn, "maxadj", maxadj);
  checkU64(fn, "maxCycles", maxCycles);
  if (maxCycles === 0n) throw new RangeError(`${fn}: expected maxCycles to be at least 1, got 0`);
  checkU64(fn, "maxRawDelta", maxRawDelta);
  checkOneOf(fn, "vclockMode", vclockMode, ["none", "tsc", "hyperv-page"]);
}
