import type { GuestTsc, HostTsc, MonotonicNs } from "@chronovisor/clocksource";

/**
 * What can happen to time in a virtual machine, one kind per step. Every event carries the host TSC at which it happened: the
 * one axis all clocks of a host are functions of. Where that counter was stopped or set, an `epoch` says so.
 */
interface At {
  readonly at: HostTsc;
}

interface OnVcpu extends At {
  readonly vcpu: number;
}

interface OnCpu extends At {
  readonly cpu: number;
}

/** Joins the events of one armed timer, from the arming to the guest's end of interrupt; counted from 1. */
interface InFlow {
  readonly flow?: number;
}

/** Where a vCPU's thread is: in the guest, in the host for it, waiting for an interrupt, out in user space, or off its CPU. */
export type VcpuState = "guest" | "host" | "blocked" | "userspace" | "preempted";

/** What arms and fires a LAPIC timer. */
export type TimerBackend = "preemption-timer" | "hrtimer";

/** What issued an expiry: the callback, the preemption timer's exit, or a start that found its deadline past. */
export type ExpirySource = "callback" | "preemption-timer" | "software-start" | "hv-start";

/** What became of an expiry. */
export type ExpiryOutcome = "coalesced" | "pending" | "injected" | "posted";

/** The host's clocksource as KVM names it. */
export type TracedClocksource = "none" | "tsc";

/** A vCPU on its way through a tick. */
export type VcpuEvent =
  /** The guest wrote a model-specific register. */
  | (OnVcpu & InFlow & { readonly kind: "msr-write"; readonly msr: number; readonly value: bigint })
  /** The guest asked Xen's interface for a timer at this instant of its own clock, ns (`set_timer_op`); u64. */
  | (OnVcpu & InFlow & { readonly kind: "xen-set-timer"; readonly deadlineNs: bigint })
  /** A backend was armed: the hrtimer for a CLOCK_MONOTONIC instant, the preemption timer for a guest TSC. */
  | (OnVcpu &
      InFlow & { readonly kind: "timer-armed"; readonly backend: TimerBackend; readonly deadline: bigint })
  /** The armed backend was cancelled before it fired. */
  | (OnVcpu & InFlow & { readonly kind: "timer-disarmed"; readonly backend: TimerBackend })
  /** The preemption timer reached zero: a VM exit. */
  | (OnVcpu & InFlow & { readonly kind: "preemption-timer-exit" })
  /** The hrtimer's callback ran, on this CPU. */
  | (OnVcpu & InFlow & { readonly kind: "hrtimer-callback"; readonly cpu: number })
  /** Callbacks of one catch-up that were advanced in closed form. */
  | (OnVcpu & InFlow & { readonly kind: "hrtimer-catch-up"; readonly cpu: number; readonly count: bigint })
  /** The timer expired: by whom, and whether the expiry waits, was swallowed by one that does, or went out at once. */
  | (OnVcpu &
      InFlow & {
        readonly kind: "timer-expired";
        readonly source: ExpirySource;
        readonly outcome: ExpiryOutcome;
      })
  /** The periodic target moved on. */
  | (OnVcpu &
      InFlow & {
        readonly kind: "timer-advanced";
        readonly targetNs: MonotonicNs;
        readonly deadlineTsc: GuestTsc;
      })
  /** The vCPU was woken, or made to leave the guest. */
  | (OnVcpu & InFlow & { readonly kind: "kick" })
  /** The interrupt request register took the timer's vector; `coalesced` when its bit was already set. */
  | (OnVcpu & InFlow & { readonly kind: "inject"; readonly vector: number; readonly coalesced: "no" | "yes" })
  /** The guest took the interrupt: the vector moved from request to service. */
  | (OnVcpu & InFlow & { readonly kind: "acknowledge"; readonly vector: number })
  /** The guest signalled end of interrupt. */
  | (OnVcpu & InFlow & { readonly kind: "eoi"; readonly vector: number | undefined })
  | (OnVcpu & { readonly kind: "vcpu-state"; readonly state: VcpuState })
  | (OnVcpu & { readonly kind: "vm-exit"; readonly reason: string })
  /** The timer moved to the other backend. */
  | (OnVcpu & InFlow & { readonly kind: "backend"; readonly backend: TimerBackend; readonly reason: string })
  /** A guest program's own remark. */
  | (OnVcpu & { readonly kind: "note"; readonly text: string })
  /** Something the kernel would have logged. */
  | (OnVcpu & { readonly kind: "warning"; readonly text: string });

/** What KVM does to a guest's clocks. */
export type ClockEvent =
  /** A vCPU's clock was published (`kvm_pvclock_update`). */
  | (OnVcpu & {
      readonly kind: "pvclock-update";
      readonly version: number;
      readonly tscTimestamp: bigint;
      readonly systemTime: bigint;
      readonly tscToSystemMul: number;
      readonly tscShift: number;
      readonly flags: number;
    })
  /** A vCPU's TSC offset was written (`kvm_write_tsc_offset`); u64. */
  | (OnVcpu & { readonly kind: "tsc-offset"; readonly from: bigint; readonly to: bigint })
  /** KVM looked whether the vCPUs' counters are in step (`kvm_track_tsc`). */
  | (OnVcpu & {
      readonly kind: "tsc-matched";
      readonly masterClock: "off" | "on";
      readonly matched: number;
      readonly online: number;
      readonly clocksource: TracedClocksource;
    })
  /** The VM's master clock took a new reference, or was turned off (`kvm_update_master_clock`). */
  | (At & {
      readonly kind: "master-clock";
      readonly masterClock: "off" | "on";
      readonly clocksource: TracedClocksource;
      readonly matched: "no" | "yes";
    })
  /** What each clock read at this instant, ns, s64; the same names in the same order throughout a run. */
  | (At & { readonly kind: "clocks"; readonly clocks: ReadonlyArray<readonly [name: string, ns: bigint]> })
  /** A quantity over time, of a vCPU or of the host. */
  | (At & {
      readonly kind: "counter";
      readonly name: string;
      readonly unit: "ns" | "count";
      readonly value: bigint;
      readonly vcpu?: number;
    });

/** What the host's CPUs do. */
export type HostEvent =
  /** True time, ns since the start, at this TSC: at the start, and wherever the counter was stopped or set. */
  | (At & { readonly kind: "epoch"; readonly ns: bigint })
  /** What a CPU runs from now on: a vCPU's thread, other work, or nothing. */
  | (OnCpu & { readonly kind: "cpu-runs"; readonly what: "idle" | "work" | "vcpu"; readonly vcpu?: number })
  /** An hrtimer was queued on a CPU; `was` says whether it was before. Times are its clock's ns. */
  | (OnCpu & {
      readonly kind: "hrtimer-start";
      readonly timer: number;
      readonly name: string;
      readonly expiresNs: bigint;
      readonly mode: string;
      readonly was: "armed" | "idle";
    })
  /** Its callback began, with this reading of its clock. */
  | (OnCpu & {
      readonly kind: "hrtimer-expire";
      readonly timer: number;
      readonly name: string;
      readonly nowNs: bigint;
    })
  /** Its callback ended. */
  | (OnCpu & { readonly kind: "hrtimer-done"; readonly timer: number })
  | (OnCpu & { readonly kind: "hrtimer-cancel"; readonly timer: number })
  /** Interrupts went off for a handler, and on again. */
  | (OnCpu & { readonly kind: "irq-begin"; readonly what: "timer" | "ipi" })
  | (OnCpu & { readonly kind: "irq-end" });

/** One event; `kind` says which. */
export type TraceEvent = VcpuEvent | ClockEvent | HostEvent;

/** Names of the events. */
export type TraceEventKind = TraceEvent["kind"];
