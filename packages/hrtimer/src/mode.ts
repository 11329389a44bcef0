/**
 * Start modes, the kernel's own bit values (include/linux/hrtimer.h `enum hrtimer_mode`, docs/model/hrtimer §2).
 * REL is relative to the timer's clock now; PINNED is considered at the start only and never remembered.
 */
export const HRTIMER_MODE_ABS = 0x00;
export const HRTIMER_MODE_REL = 0x01;
export const HRTIMER_MODE_PINNED = 0x02;
export const HRTIMER_MODE_SOFT = 0x04;
export const HRTIMER_MODE_HARD = 0x08;

/** An OR of the HRTIMER_MODE_ bits, 0 … 15. */
export type HrtimerMode = number;
