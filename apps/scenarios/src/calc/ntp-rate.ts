import { divideHalfEven } from "../units/divide-half-even.js";
import { type Fraction, fraction, times } from "./fraction.js";

const NSEC_PER_SEC = 1_000_000_000n;
/** `timex.freq` is in ppm · 2^16; a second's length in ns · 2^32. */
const TIMEX_FREQUENCY_UNIT = 2n ** 16n;
const PPM_SCALE = 1000n * TIMEX_FREQUENCY_UNIT;
const NTP_SCALE_SHIFT = 32n;

/** What steers CLOCK_MONOTONIC: the counter's pair, and `ADJ_FREQUENCY`. */
export interface Steering {
  readonly mult: number;
  readonly shift: number;
  readonly ntpPpm: Fraction;
  readonly tickHz: number;
}

/**
 * Nanoseconds of CLOCK_MONOTONIC per cycle in the long run, over 10^9: the kernel makes an interval of whole cycles last
 * `tick_length`, dithering its multiplier, and keeps the rounding of mult out of it (`xtime_remainder`).
 *
 * The kernel takes ppm in steps of 2^−16; `ntpPpm` goes to the nearest.
 */
export function steeredRate({ mult, shift, ntpPpm, tickHz }: Steering): Fraction {
  const hz = BigInt(tickHz);
  const pair = BigInt(mult);
  const interval = (NSEC_PER_SEC / hz) << BigInt(shift);
  const rounded = (interval + pair / 2n) / pair;
  const cycles = rounded === 0n ? 1n : rounded;
  const remainder = interval - cycles * pair;
  const { numerator, denominator } = times(ntpPpm, fraction(TIMEX_FREQUENCY_UNIT));
  const timeFreq = divideHalfEven(numerator, denominator) * PPM_SCALE;
  const tickLength = ((NSEC_PER_SEC << NTP_SCALE_SHIFT) + timeFreq) / hz;
  const steered = tickLength - (remainder << (NTP_SCALE_SHIFT - BigInt(shift)));
  return fraction(steered, (cycles << NTP_SCALE_SHIFT) * NSEC_PER_SEC);
}
