/**
 * The LVT timer register and its neighbours (Intel SDM vol 3A 11.5.4, docs/model/lapic §1).
 * "Stored mask" is what KVM's register retains of a write.
 */

/** Vector field of every LVT register, bits 7:0. */
export const LVT_VECTOR_MASK = 0xff;
/** Mask bit of every LVT register. */
export const LVT_MASKED: number = 1 << 16;
/** LVTT bits 18:17, the timer mode field. */
export const LVTT_MODE_MASK: number = 3 << 17;
/** LVTT mode field of a one-shot timer. */
export const LVTT_ONE_SHOT: number = 0 << 17;
/** LVTT mode field of a periodic timer. */
export const LVTT_PERIODIC: number = 1 << 17;
/** LVTT mode field of a TSC-deadline timer. */
export const LVTT_TSC_DEADLINE: number = 2 << 17;
/** What LVTT stores besides the mode field: mask bit, delivery status and vector; the delivery mode is always fixed. */
export const LVTT_STORED_MASK = 0x110ff;
/** What TDCR stores. */
export const TDCR_STORED_MASK = 0xb;

/** Mode mask before CPUID is set: the mode bits of LVTT cannot be written. */
export const MODE_MASK_NONE = 0;
/** Mode mask without the TSC-deadline bit in CPUID.1:ECX[24]. */
export const MODE_MASK_PERIODIC: number = 1 << 17;
/** Mode mask with the TSC-deadline bit in CPUID.1:ECX[24]. */
export const MODE_MASK_TSC_DEADLINE: number = 3 << 17;

/** One-shot: the count runs once (`timer_mode` 0). */
export const TIMER_MODE_ONE_SHOT = 0;
/** Periodic: the count reloads (`timer_mode` 1). */
export const TIMER_MODE_PERIODIC = 1;
/** TSC deadline: MSR 0x6E0 holds an absolute guest TSC (`timer_mode` 2). */
export const TIMER_MODE_TSC_DEADLINE = 2;
/** Reserved: stored, and no mode predicate matches (`timer_mode` 3, docs/model/lapic §7.3). */
export const TIMER_MODE_RESERVED = 3;

/** LVTT bits 18:17 as a number, after the mode mask. */
export type TimerModeNumber = 0 | 1 | 2 | 3;
