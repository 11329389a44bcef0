import type { GuestTsc, HostTsc, MonotonicNs } from "@chronovisor/clocksource";

/**
 * What can happen to a tick on its way from the guest's register write to its end-of-interrupt, one kind per arrow.
 * Every event carries the host TSC at which it happened: the one axis all clocks of a host are functions of.
 */
interface At {
  readonly at: HostTsc;
  readonly vcpu: number;
}

/** Where a vCPU's thread is: in the guest, in the host for it, waiting for an interrupt, out in user space, or off its CPU. */
export type VcpuState = "guest" | "host" | "blocked" | "userspace" | "preempted";

/** What arms and fires a LAPIC timer. */
export type TimerBackend = "preemption-timer" | "hrtimer";

export type TraceEvent =
  /** The guest wrote a model-specific register. */
  | (At & { readonly kind: "msr-write"; readonly msr: number; readonly value: bigint })
  /** The two deadlines of the timer were computed: a target on CLOCK_MONOTONIC and the same instant in guest cycles. */
  | (At & { readonly kind: "timer-target"; readonly targetNs: MonotonicNs; readonly deadlineTsc: GuestTsc })
  /** A backend was armed. `flow` joins everything one arming leads to. */
  | (At & { readonly kind: "timer-armed"; readonly backend: TimerBackend; readonly flow: number })
  /** The armed backend was cancelled before it fired. */
  | (At & { readonly kind: "timer-disarmed"; readonly backend: TimerBackend; readonly flow: number })
  /** The preemption timer reached zero: a VM exit. */
  | (At & { readonly kind: "preemption-timer-exit"; readonly flow: number })
  /** The hrtimer's callback ran, on this CPU. */
  | (At & { readonly kind: "hrtimer-callback"; readonly cpu: number; readonly flow: number })
  /** Callbacks of one catch-up that were advanced in closed form. */
  | (At & { readonly kind: "hrtimer-catch-up"; readonly cpu: number; readonly count: bigint })
  /** A software start found the target past and expired it at once. */
  | (At & { readonly kind: "synchronous-expiry"; readonly flow: number })
  /** An expiry is recorded, waiting for the run loop to inject it. */
  | (At & { readonly kind: "timer-pending"; readonly flow: number })
  /** The periodic target moved on. */
  | (At & { readonly kind: "timer-advanced"; readonly targetNs: MonotonicNs; readonly deadlineTsc: GuestTsc })
  /** The vCPU was woken, or made to leave the guest. */
  | (At & { readonly kind: "kick" })
  /** The interrupt request register took the timer's vector; `coalesced` when its bit was already set. */
  | (At & { readonly kind: "inject"; readonly vector: number; readonly coalesced: "no" | "yes" })
  /** The guest took the interrupt: the vector moved from request to service. */
  | (At & { readonly kind: "acknowledge"; readonly vector: number })
  /** The guest signalled end of interrupt. */
  | (At & { readonly kind: "eoi"; readonly vector: number | undefined })
  | (At & { readonly kind: "vcpu-state"; readonly state: VcpuState })
  | (At & { readonly kind: "vm-exit"; readonly reason: string })
  /** The timer moved to the other backend. */
  | (At & { readonly kind: "backend"; readonly backend: TimerBackend; readonly why: string })
  /** A guest program's own remark. */
  | (At & { readonly kind: "note"; readonly text: string })
  /** Something the kernel would have logged. */
  | (At & { readonly kind: "warning"; readonly text: string });

export type TraceEventKind = TraceEvent["kind"];
