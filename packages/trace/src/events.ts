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

/** What issued an expiry: the callback, the preemption timer's exit, or a start that found its deadline past. */
export type ExpirySource = "callback" | "preemption-timer" | "software-start" | "hv-start";

/** What became of an expiry. */
export type ExpiryOutcome = "coalesced" | "pending" | "injected" | "posted";

/** One event; `kind` says which. */
export type TraceEvent =
  /** The guest wrote a model-specific register. */
  | (At & { readonly kind: "msr-write"; readonly msr: number; readonly value: bigint })
  /** A backend was armed: the hrtimer for a CLOCK_MONOTONIC instant, the preemption timer for a guest TSC. */
  | (At & { readonly kind: "timer-armed"; readonly backend: TimerBackend; readonly deadline: bigint })
  /** The armed backend was cancelled before it fired. */
  | (At & { readonly kind: "timer-disarmed"; readonly backend: TimerBackend })
  /** The preemption timer reached zero: a VM exit. */
  | (At & { readonly kind: "preemption-timer-exit" })
  /** The hrtimer's callback ran, on this CPU. */
  | (At & { readonly kind: "hrtimer-callback"; readonly cpu: number })
  /** Callbacks of one catch-up that were advanced in closed form. */
  | (At & { readonly kind: "hrtimer-catch-up"; readonly cpu: number; readonly count: bigint })
  /** The timer expired: by whom, and whether the expiry waits, was swallowed by one that does, or went out at once. */
  | (At & { readonly kind: "timer-expired"; readonly source: ExpirySource; readonly outcome: ExpiryOutcome })
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
  | (At & { readonly kind: "backend"; readonly backend: TimerBackend; readonly reason: string })
  /** A guest program's own remark. */
  | (At & { readonly kind: "note"; readonly text: string })
  /** Something the kernel would have logged. */
  | (At & { readonly kind: "warning"; readonly text: string });

/** Names of the events. */
export type TraceEventKind = TraceEvent["kind"];
