/**
 * The limits and scales of the NTP code (include/linux/timex.h, include/uapi/linux/timex.h; docs/model/timekeeping-ntp §3).
 */

/** Lowest tick rate, Hz: below it the kernel does not build. */
export const MIN_HZ = 12;
/** Highest tick rate this package takes, Hz. */
export const MAX_HZ = 3000;

/** Fraction bits of every NTP quantity. */
export const NTP_SCALE_SHIFT = 32n;
/** Gain of the phase-locked loop, as a shift. */
export const SHIFT_PLL = 2;
/** Gain of the frequency-locked loop, as a shift. */
export const SHIFT_FLL = 2;
/** Largest time constant. */
export const MAXTC = 10;
/** Largest phase offset, ns. */
export const MAXPHASE = 500_000_000n;
/** Largest frequency correction, ns/s (500 ppm). */
export const MAXFREQ = 500_000n;
/** {@link MAXFREQ} in the unit of time_freq. */
export const MAXFREQ_SCALED: bigint = MAXFREQ << NTP_SCALE_SHIFT;
/** Shortest interval of the frequency-locked loop, s. */
export const MINSEC = 256n;
/** Longest interval of the phase-locked loop without STA_FLL, s. */
export const MAXSEC = 2048n;
/** Where the error estimates stop growing, µs. */
export const NTP_PHASE_LIMIT = 16_000_000n;
/** What adjtime() slews in one second, µs. */
export const MAX_TICKADJ = 500n;
/** Largest TAI − UTC that ADJ_TAI takes, s. */
export const MAX_TAI_OFFSET = 100_000n;

/** Ticks per second as user space counts them. */
export const USER_HZ = 100n;
/** µs per tick of 1/{@link USER_HZ} s. */
export const TICK_USEC: bigint = 1_000_000n / USER_HZ;
/** ADJ_TICK takes ±10 % of {@link TICK_USEC}. */
export const MIN_TICK_USEC: bigint = 900_000n / USER_HZ;
/** As {@link MIN_TICK_USEC}. */
export const MAX_TICK_USEC: bigint = 1_100_000n / USER_HZ;

/** adjtimex's frequency unit (ppm × 2^16) in the unit of time_freq (ns/s × 2^32). */
export const PPM_SCALE: bigint = 1000n << (NTP_SCALE_SHIFT - 16n);
/** The reciprocal of {@link PPM_SCALE}, as the read-back multiplies by it: scaled by 2^51, rounded up. */
export const PPM_SCALE_INV_SHIFT = 19n;
/** As {@link PPM_SCALE_INV_SHIFT}. */
export const PPM_SCALE_INV: bigint = (1n << (PPM_SCALE_INV_SHIFT + NTP_SCALE_SHIFT)) / PPM_SCALE + 1n;

export const NSEC_PER_USEC = 1000n;
export const USEC_PER_SEC = 1_000_000n;
export const NSEC_PER_SEC = 1_000_000_000n;
export const SECS_PER_DAY = 86_400n;
