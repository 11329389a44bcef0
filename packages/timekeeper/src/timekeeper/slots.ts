/**
 * Where the timekeeper keeps the 64-bit fields that every read and every tick touches: one typed array, so that nothing is
 * boxed on the way (a bigint in an object field costs an allocation for each store). Signed fields lie here mod 2^64.
 */

/** Counter value at the last accumulation, both clocks (`cycle_last`). */
export const CYCLE_LAST = 0;
/** The counter's mask; 0 while the host is suspended, so that no counter value adds anything. */
export const MASK = 1;
/** The bits that mean the counter stepped back: `~(mask >> 1)`. */
export const BACKWARDS = 2;
/** The largest difference converted the short way. */
export const NEAR_LIMIT = 3;
/** Both clocks' shift. */
export const SHIFT = 4;
/** `2^(32 − shift)`: a right shift by `shift`, as two multiplications. Also one cycle's worth of a mult unit in ntp_error. */
export const SCALE = 5;

/** CLOCK_MONOTONIC's read base: the three slots {@link MULT}, {@link NSEC} and {@link BASE} from here on. */
export const MONO = 6;
/** CLOCK_MONOTONIC_RAW's read base. */
export const RAW = 9;
/** Which clock's read base. */
export type ClockSlot = typeof MONO | typeof RAW;
/** Within a read base: the multiplier, u32. */
export const MULT = 0;
/** Within a read base: 2^−shift ns since `BASE` at the last accumulation (`xtime_nsec`). */
export const NSEC = 1;
/** Within a read base: ns (`base`). */
export const BASE = 2;

/** CLOCK_REALTIME − CLOCK_MONOTONIC, ns, s64 (`offs_real`). */
export const OFFS_REAL = 12;
/** CLOCK_BOOTTIME − CLOCK_MONOTONIC, ns, s64 (`offs_boot`). */
export const OFFS_BOOT = 13;
/** CLOCK_TAI − CLOCK_MONOTONIC, ns, s64 (`offs_tai`). */
export const OFFS_TAI = 14;

/** Cycles in a tick (`cycle_interval`). */
export const CYCLE_INTERVAL = 15;
/** 2^−shift ns in a tick, as steered (`xtime_interval`). */
export const XTIME_INTERVAL = 16;
/** As {@link XTIME_INTERVAL} for RAW (`raw_interval`). */
export const RAW_INTERVAL = 17;
/** 2^−shift ns in a second. */
export const SECOND = 18;
/** What CLOCK_MONOTONIC is behind NTP's idea of it, 2^−32 ns, s64 (`ntp_error`). */
export const NTP_ERROR = 19;

/** What a tick adds to {@link NTP_ERROR} at the present multiplier, s64. */
export const ERROR_PER_TICK = 20;
/** What one unit of the multiplier takes from {@link ERROR_PER_TICK}. */
export const ERROR_PER_MULT = 21;
/** A tick shorter than this many cycles, and at least {@link CYCLE_INTERVAL}, is a plain one; 0 while NTP wants a new rate. */
export const PLAIN_LIMIT = 22;
/** The lowest and highest multiplier that NTP's dither may reach without a warning. */
export const LOWEST_MULT = 23;
/** As {@link LOWEST_MULT}. */
export const HIGHEST_MULT = 24;
/** `ntp_err_mult`, 0 or 1. */
export const ERR_MULT = 25;

/** Scratch: a difference of counter values. */
export const DELTA = 26;
/** Scratch: fields after the tick that is being tried. */
export const NEXT_NSEC = 27;
export const NEXT_RAW_NSEC = 28;
export const NEXT_ERROR = 29;
/** Scratch: the reading that a method returns. */
export const RESULT = 30;

export const SLOT_COUNT = 31;
