import type { GuestTsc, HostTsc } from "@chronovisor/clocksource";

/** What programming a deadline came to. */
export type PreemptionTimerResult = "armed" | "expired" | "out-of-range";

/** What a device needs of a preemption timer: `PreemptionTimer`, or a share of one (`PreemptionTimerMultiplexer`). */
export interface PreemptionTimerPort {
  /** Arms for a guest TSC, u64, `advanceNs` early, u32. "out-of-range" (-ERANGE) changes nothing. */
  set(guestDeadline: GuestTsc, advanceNs: number): PreemptionTimerResult;
  /** Disarms. */
  cancel(): void;
  /** The host TSC it is armed for, undefined when it is not. */
  readonly deadline: HostTsc | undefined;
}
