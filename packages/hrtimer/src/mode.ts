/**
 * Start modes, the kernel's own bit values (include/linux/hrtimer.h `enum hrtimer_mode`, docs/model/hrtimer §2).
 */

/** The time is absolute, on the timer's clock. */
export const HRTIMER_MODE_ABS = 0x00;
/** The time counts from the timer's clock now, at the start. */
export const HRTIMER_MODE_REL = 0x01;
/** The timer stays on the CPU that starts it. Considered at this start only, never remembered. */
export const HRTIMER_MODE_PINNED = 0x02;
/** The timer expires in HRTIMER_SOFTIRQ. Fixed at creation; a start has to agree. */
export const HRTIMER_MODE_SOFT = 0x04;
/** The timer expires in the interrupt even on PREEMPT_RT; without it, no effect elsewhere. */
export const HRTIMER_MODE_HARD = 0x08;

/** An OR of the HRTIMER_MODE_ bits, 0 … 15. */
export type HrtimerMode = number;

/** Checks a mode that a caller passed. */
export function checkMode(fn: string, mode: HrtimerMode): void {
  if (!(mode >= 0 && mode <= 0x0f && Number.isInteger(mode))) {
    throw new RangeError(`${fn}: expected an OR of HRTIMER_MODE_ bits (0 to 15), got ${mode}`);
  }
}
