import { preemptionTimerUsable } from "@chronovisor/lapic";

interface PreemptionTimerParams {
  readonly hostKhz: bigint;
  readonly hostHz: bigint;
  readonly preemptionTimerShift: bigint;
}

/** Whether this kernel on this host serves periodic timers by the preemption timer (docs/model/hv-timer §1). */
export function hvServesPeriodicTimers(
  p: PreemptionTimerParams,
  axes: Readonly<Record<string, string>>,
): boolean {
  return axes.hvModes === "all" && preemptionTimerUsable(Number(p.hostKhz), Number(p.preemptionTimerShift));
}

/** The longest the preemption timer can expire before its deadline: one of its steps, 2^shift cycles, rounded up. */
export function preemptionTimerStepNs(p: PreemptionTimerParams): bigint {
  return ((1n << p.preemptionTimerShift) * 1_000_000_000n) / p.hostHz + 1n;
}
