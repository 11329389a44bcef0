import { CLOCKSOURCE_BEHAVIOURS } from "@chronovisor/clocksource";
import { HRTIMER_BEHAVIOURS } from "@chronovisor/hrtimer";
import { LAPIC_TIMER_BEHAVIOURS, LOCAL_APIC_BEHAVIOURS } from "@chronovisor/lapic";
import { PVCLOCK_BEHAVIOURS } from "@chronovisor/pvclock";
import { XEN_TIMER_BEHAVIOURS } from "@chronovisor/xen-timer";

/** The axes each package exports, and the values it takes on them. */
const PACKAGE_AXES: ReadonlyArray<readonly [string, Readonly<Record<string, readonly string[]>>]> = [
  ["@chronovisor/clocksource", CLOCKSOURCE_BEHAVIOURS],
  ["@chronovisor/hrtimer", HRTIMER_BEHAVIOURS],
  ["@chronovisor/lapic", LAPIC_TIMER_BEHAVIOURS],
  ["@chronovisor/lapic", LOCAL_APIC_BEHAVIOURS],
  ["@chronovisor/pvclock", PVCLOCK_BEHAVIOURS],
  ["@chronovisor/xen-timer", XEN_TIMER_BEHAVIOURS],
];

/** The packages that behave as an axis says; the machines of this one where no package has it as an axis. */
export function packagesOf(axis: string): readonly string[] {
  const having = PACKAGE_AXES.flatMap(([name, axes]) => (Object.hasOwn(axes, axis) ? [name] : []));
  return having.length > 0 ? having : ["chronovisor"];
}
