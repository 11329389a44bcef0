/**
 * Status bits and clock states (include/uapi/linux/timex.h; docs/model/timekeeping-ntp §3).
 */

/** R/W: the phase loop is on; without it ADJ_OFFSET does nothing. */
export const STA_PLL = 0x0001;
/** R/W: PPS frequency discipline (not modelled: the bit is kept). */
export const STA_PPSFREQ = 0x0002;
/** R/W: PPS time discipline (not modelled: the bit is kept). */
export const STA_PPSTIME = 0x0004;
/** R/W: frequency-locked mode for intervals from 256 s, not only from 2049 s. */
export const STA_FLL = 0x0008;
/** R/W: insert a leap second at the end of the day. */
export const STA_INS = 0x0010;
/** R/W: delete the last second of the day. */
export const STA_DEL = 0x0020;
/** R/W: not synchronised; adjtimex answers TIME_ERROR. */
export const STA_UNSYNC = 0x0040;
/** R/W: ADJ_OFFSET leaves the frequency alone. */
export const STA_FREQHOLD = 0x0080;
/** RO: PPS signal present (not modelled: 0 unless restored). */
export const STA_PPSSIGNAL = 0x0100;
/** RO: PPS jitter exceeded (not modelled). */
export const STA_PPSJITTER = 0x0200;
/** RO: PPS wander exceeded (not modelled). */
export const STA_PPSWANDER = 0x0400;
/** RO: PPS calibration error (not modelled). */
export const STA_PPSERROR = 0x0800;
/** RO: clock hardware fault; adjtimex answers TIME_ERROR. */
export const STA_CLOCKERR = 0x1000;
/** RO, set by ADJ_NANO and cleared by ADJ_MICRO: offsets and times are ns. */
export const STA_NANO = 0x2000;
/** RO: the last ADJ_OFFSET used the frequency-locked term. */
export const STA_MODE = 0x4000;
/** RO: clock source B (never set by Linux). */
export const STA_CLK = 0x8000;
/** The bits ADJ_STATUS keeps. */
export const STA_RONLY = 0xff00;

/** Synchronised, no leap second ahead. */
export const TIME_OK = 0;
/** A leap second will be inserted. */
export const TIME_INS = 1;
/** A second will be deleted. */
export const TIME_DEL = 2;
/** Inside the inserted second. */
export const TIME_OOP = 3;
/** A leap second is past; waits for INS and DEL to be cleared. */
export const TIME_WAIT = 4;
/** adjtimex's answer in any state while STA_UNSYNC or STA_CLOCKERR is set. */
export const TIME_ERROR = 5;

/** What the leap machine remembers. */
export type NtpTimeState =
  | typeof TIME_OK
  | typeof TIME_INS
  | typeof TIME_DEL
  | typeof TIME_OOP
  | typeof TIME_WAIT;
