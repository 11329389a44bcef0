import {
  LAPIC_TIMER_BEHAVIOURS,
  type LapicTimerBehaviours,
  LOCAL_APIC_BEHAVIOURS,
  type LocalApicBehaviours,
} from "@chronovisor/lapic";

/** The LAPIC timer's share of a kernel's axes; the table holds only values the package knows, and a test says so. */
export function lapicBehaviours(axes: Readonly<Record<string, string>>): LapicTimerBehaviours {
  return shareOf(axes, LAPIC_TIMER_BEHAVIOURS) as unknown as LapicTimerBehaviours;
}

/** The share of the local APIC besides its timer. */
export function localApicBehaviours(axes: Readonly<Record<string, string>>): LocalApicBehaviours {
  return shareOf(axes, LOCAL_APIC_BEHAVIOURS) as unknown as LocalApicBehaviours;
}

function shareOf(
  axes: Readonly<Record<string, string>>,
  behaviours: Readonly<Record<string, readonly string[]>>,
): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.keys(behaviours).map((axis) => [axis, axes[axis]]));
}
