import { XEN_TIMER_BEHAVIOURS, type XenTimerBehaviours } from "@chronovisor/xen-timer";

/** The axes of the Xen timer that this table has. */
export const XEN_TIMER_AXES = ["xenStart", "xenFutureFlag", "xenDelivery", "xenTimerClock"] as const;

/** The Xen timer's share of a kernel's axes. */
export type XenTimerChoice = Pick<XenTimerBehaviours, (typeof XEN_TIMER_AXES)[number]>;

/**
 * The Xen timer's share of a kernel's axes; undefined for a kernel that has none (before v5.19). Which copy of the guest's
 * clock is read is a question from v6.9 on: a kernel that is only told to ask it takes the first answer.
 */
export function xenTimerBehaviours(axes: Readonly<Record<string, string>>): XenTimerChoice | undefined {
  const [firstCopy] = XEN_TIMER_BEHAVIOURS.xenTimerClock;
  const xenTimerClock = axes.xenTimerClock === "absent" ? firstCopy : axes.xenTimerClock;
  const mine = { ...Object.fromEntries(XEN_TIMER_AXES.map((axis) => [axis, axes[axis]])), xenTimerClock };
  if (Object.values(mine).includes("absent")) return undefined;
  return mine as XenTimerChoice;
}
