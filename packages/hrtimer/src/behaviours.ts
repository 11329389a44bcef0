/**
 * What changed in the placement of timers between kernels, one axis per change, values oldest first
 * (docs/model/kernel-history §3, whose names these are). The options of an `HrtimerSystem` go by the same names.
 */
export const HRTIMER_BEHAVIOURS = {
  /** An unpinned timer due exactly at another CPU's next event: before v4.16, v4.16. */
  equalTarget: ["stay", "move"],
  /** Starting again the timer that is its CPU's next event: before v5.14, v5.14 (627ef5ae2df8). */
  forceLocal: ["off", "on"],
} as const;

/** The axes of {@link HRTIMER_BEHAVIOURS}. */
export type HrtimerAxis = keyof typeof HRTIMER_BEHAVIOURS;

/** One value per axis. */
export type HrtimerBehaviours = {
  readonly [Axis in HrtimerAxis]: (typeof HRTIMER_BEHAVIOURS)[Axis][number];
};
