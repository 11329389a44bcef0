/**
 * The pair that turns cycles into nanoseconds, `ns = cycles · mult >> shift`. Rounded to nearest, unlike every conversion
 * of KVM, which floors: the rate of CLOCK_MONOTONIC_RAW is off by up to 75 ppb, that of a guest's pvclock by 0.47.
 *
 * Source: `kernel/time/clocksource.c`, `include/linux/clocksource.h`; docs/model/clocksource-tsc §2.1.
 */

import { checkInteger, checkPositiveU32, checkU32 } from "../argument-checks.js";

const NSEC_PER_SEC = 1_000_000_000n;
const NSEC_PER_MSEC = 1_000_000n;

/** A multiplier and its shift. */
export interface MultShift {
  /** Unsigned 32-bit. */
  readonly mult: number;
  /** 0 … 32. */
  readonly shift: number;
}

/**
 * The most exact mult/shift from one frequency to another for which `maxsec` seconds of cycles do not overflow 64 bits.
 *
 * @param from - frequency of the counter, 1 … 2^32−1.
 * @param to - frequency of the result (10^9 for nanoseconds), u32.
 * @param maxsec - seconds that must fit one product, u32.
 * @returns the pair with the largest shift that qualifies, `mult` rounded to nearest. When none does: shift 0 with the
 * multiplier of shift 1, as the kernel's loop leaves it.
 * @throws TypeError or RangeError for an argument outside its width (a counter of 0 Hz is a divide error).
 * Source: `kernel/time/clocksource.c:clocks_calc_mult_shift`; docs/model/clocksource-tsc §2.1.
 * @example
 * calcMultShift(2_500_000, 1_000_000, 600) // => { mult: 1717986918, shift: 32 }
 */
export function calcMultShift(from: number, to: number, maxsec: number): MultShift {
  checkPositiveU32("calcMultShift", "from", from);
  checkU32("calcMultShift", "to", to);
  checkU32("calcMultShift", "maxsec", maxsec);
  const fromHz = BigInt(from);
  // Bits of a multiplier left once `maxsec` seconds of cycles take theirs.
  let bits = 32n;
  for (let excess = (BigInt(maxsec) * fromHz) >> 32n; excess !== 0n; excess >>= 1n) bits -= 1n;

  let mult = 0n;
  let shift = 32;
  for (; shift > 0; shift--) {
    mult = ((BigInt(to) << BigInt(shift)) + fromHz / 2n) / fromHz;
    if (mult >> bits === 0n) break;
  }
  return { mult: Number(BigInt.asUintN(32, mult)), shift };
}

/**
 * The multiplier from a frequency in Hz to nanoseconds at a given shift, rounded to nearest.
 *
 * @param hz - 1 … 2^32−1.
 * @param shift - 0 … 32.
 * @returns the low 32 bits of the multiplier: a shift too large is silently truncated.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `include/linux/clocksource.h:clocksource_hz2mult`; docs/model/clocksource-tsc §2.1.
 * @example
 * hz2mult(14_318_180, 22) // => 292935555
 */
export function hz2mult(hz: number, shift: number): number {
  checkPositiveU32("hz2mult", "hz", hz);
  checkInteger("hz2mult", "shift", shift, 0, 32);
  return frequencyToMult(NSEC_PER_SEC, hz, shift);
}

/**
 * The multiplier from a frequency in kHz to nanoseconds at a given shift, rounded to nearest.
 *
 * @param khz - 1 … 2^32−1.
 * @param shift - 0 … 32.
 * @returns the low 32 bits of the multiplier: a shift too large is silently truncated.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `include/linux/clocksource.h:clocksource_khz2mult`; docs/model/clocksource-tsc §2.1.
 * @example
 * khz2mult(2_500_000, 24) // => 6710886
 */
export function khz2mult(khz: number, shift: number): number {
  checkPositiveU32("khz2mult", "khz", khz);
  checkInteger("khz2mult", "shift", shift, 0, 32);
  return frequencyToMult(NSEC_PER_MSEC, khz, shift);
}

function frequencyToMult(nsPerUnit: bigint, frequency: number, shift: number): number {
  const f = BigInt(frequency);
  return Number(BigInt.asUintN(32, ((nsPerUnit << BigInt(shift)) + f / 2n) / f));
}
