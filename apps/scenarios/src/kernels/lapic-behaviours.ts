import { LAPIC_TIMER_BEHAVIOURS, type LapicTimerBehaviours } from "@chronovisor/lapic";

/** The LAPIC timer's share of a kernel's axes; the table holds only values the package knows, and a test says so. */
export function lapicBehaviours(axes: Readonly<Record<string, string>>): LapicTimerBehaviours {
  const mine = Object.keys(LAPIC_TIMER_BEHAVIOURS).map((axis) => [axis, axes[axis]]);
  return Object.fromEntries(mine) as LapicTimerBehaviours;
}
