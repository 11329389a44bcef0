import { XEN_TIMER_BEHAVIOURS, type XenTimerBehaviours } from "@chronovisor/xen-timer";

/** The Xen timer's share of a kernel's axes. */
export type XenTimerChoice = XenTimerBehaviours;

/**
 * The Xen timer's share of a kernel's axes; undefined for a kernel that has none (before v5.19). Which copy of the guest's
 * clock is read is a question from v6.9 on: a kernel that is only told to ask it takes the first answer.
 */
export function xenTimerBehaviours(axes: Readonly<Record<string, string>>): XenTimerChoice | undefined {
  const [firstCopy] = XEN_TIMER_BEHAVIOURS.xenTimerClock;
  const xenTimerClock = axes.xenTimerClock === "absent" ? firstCopy : axes.xenTimerClock;
  const mine = Object.fromEntries(Object.keys(XEN_TIMER_BEHAVIOURS).map((axis) => [axis, axes[axis]]));
  if (Object.values({ ...mine, xenTimerClock }).includes("absent")) return undefined;
  return { ...mine, xenTimerClock } as XenTimerChoice;
}
