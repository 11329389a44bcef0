/**
 * The bits of `modes` in `struct timex`: which fields of an adjtimex call are set (include/uapi/linux/timex.h).
 */

/** `offset`: a phase offset for the kernel's loop, µs or ns by STA_NANO; no effect without STA_PLL. */
export const ADJ_OFFSET = 0x0001;
/** `freq`: the frequency correction, ppm × 2^16. */
export const ADJ_FREQUENCY = 0x0002;
/** `maxerror`, µs. */
export const ADJ_MAXERROR = 0x0004;
/** `esterror`, µs. */
export const ADJ_ESTERROR = 0x0008;
/** `status`: the STA_* bits that are not read-only. */
export const ADJ_STATUS = 0x0010;
/** `constant`: the time constant of the loop. */
export const ADJ_TIMECONST = 0x0020;
/** `constant`: TAI − UTC, s. */
export const ADJ_TAI = 0x0080;
/** `time`: step CLOCK_REALTIME by this much. */
export const ADJ_SETOFFSET = 0x0100;
/** From now on in µs: clears STA_NANO. */
export const ADJ_MICRO = 0x1000;
/** From now on in ns: sets STA_NANO. */
export const ADJ_NANO = 0x2000;
/** `tick`: µs per tick of 1/100 s. */
export const ADJ_TICK = 0x4000;
/** The old adjtime(): slew by `offset` µs at 500 µs a second. The answer's `offset` is what the last one had left. */
export const ADJ_OFFSET_SINGLESHOT = 0x8001;
/** Read what the old adjtime() has left, change nothing. */
export const ADJ_OFFSET_SS_READ = 0xa001;

/** Set in both forms of the old adjtime(). */
export const ADJ_ADJTIME = 0x8000;
/** With ADJ_ADJTIME: only read. The same bit as ADJ_NANO, which has no meaning there. */
export const ADJ_OFFSET_READONLY = 0x2000;
