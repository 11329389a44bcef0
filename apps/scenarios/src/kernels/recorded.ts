import type { Backport } from "./axis.js";

/** A change of the kernel's that belongs to its history of time, and that no machine here makes. */
export interface RecordedChange {
  readonly release: string;
  readonly commit?: string;
  /** Other commits without which it would not be whole. */
  readonly with?: readonly string[];
  /** The axis of docs/model/kernel-history §1 it is on, where that has one. */
  readonly axis?: string;
  readonly effect: string;
  readonly stable?: readonly Backport[];
  /** Why it makes no difference here, or what would be needed. */
  readonly because: string;
}

/** What the history has besides the axes (docs/model/kernel-history §1, §3), in its order. */
export const RECORDED: readonly RecordedChange[] = [
  {
    release: "v3.17",
    commit: "d28ede83791d",
    effect: "the timekeeper's read bases become a structure",
    because: "no behaviour; older than the table",
  },
  {
    release: "v4.3",
    commit: "9642d18eee2c",
    axis: "host",
    effect: "unpinned timers leave nohz_full CPUs for housekeeping ones",
    because: "older than the table; every release in it does",
  },
  {
    release: "v4.6",
    commit: "1c5631c73fc2",
    axis: "deadlineClock",
    effect: "on ARM, a timer that fires early after a step no longer loses the guest's event",
    because: "on ARM; deadlineClock has it as recheck-on-wake",
  },
  {
    release: "v4.10",
    commit: "9c1645727b8f",
    axis: "delta",
    effect:
      "a clock read 2^63 / mult cycles after the last tick, 9 minutes at 3 GHz, no longer goes negative",
    because: "the signed form is not modelled: older releases read as v4.10 does",
  },
  {
    release: "v4.17",
    commit: "78b98e3c5a66",
    axis: "ntpSteer",
    effect: "NTP sets the clock's multiplier from the tick's length at once, instead of by a slow loop",
    because: "the loop is not modelled: every release steers at once",
  },
  {
    release: "v5.4",
    commit: "2c0d278f3293",
    axis: "timer mode ABS",
    effect: "the LAPIC timer expires in hard interrupt context also on PREEMPT_RT",
    because: "no host here is PREEMPT_RT",
  },
  {
    release: "v5.8",
    commit: "850448f35aaf",
    with: ["83d31e5271ac"],
    axis: "nestedTimerRestore",
    effect: "a nested guest's preemption timer keeps its deadline across a restore, instead of starting over",
    because: "no nested guest is saved here; before v5.8 a restore is NestedPreemptionTimer.exitToL1",
  },
  {
    release: "v6.7",
    commit: "9cfec6d097c6",
    axis: "restoreIrr",
    effect: "restoring a snapshot no longer loses a timer's interrupt on hosts with APICv",
    stable: [{ series: "v6.1", patch: 192, known: "found-in" }],
    because: "from v6.3 to v6.6 restored APICv guests could freeze; IRR under APICv is not restored here",
  },
  {
    release: "v6.10",
    axis: "advance parameter int ns",
    effect: "lapic_timer_advance is on or off: a fixed number of ns can no longer be set",
    because: "a parameter here, timerAdvance, which has no number to set; advance says how it is tuned",
  },
  {
    release: "v6.11",
    commit: "6fef518594bc",
    axis: "busNs",
    effect: "the length of a cycle of the APIC's bus can be set",
    because: "a parameter here, busNs, that every release takes",
  },
  {
    release: "v6.19",
    commit: "a091fe60c2d3",
    effect: "the periodic timer's clamp is cleaned up",
    because: "no behaviour",
  },
  {
    release: "v7.1",
    axis: "hrtimerCore",
    effect: "hrtimers: the device is programmed once, on the way out of the interrupt",
    because: "the same instants; only the cost differs",
  },
  {
    release: "v7.3",
    commit: "7d3bd21e457b",
    axis: "xenCpuid",
    effect: "Xen's CPUID leaf of the TSC's frequency is not rewritten under the guest any more",
    because: "no guest here reads that leaf",
  },
  {
    release: "v7.3",
    commit: "0aaedada606a",
    axis: "hvReach",
    effect: "the preemption timer is capped against an erratum: long deadlines go to an hrtimer sooner",
    because: "the cap is not known",
  },
  {
    release: "v7.3",
    commit: "0ca49fbd2883",
    axis: "stimer",
    effect: "Hyper-V's synthetic timers are clamped: no livelock on tiny periods",
    because: "there are no synthetic timers here",
  },
];

/** A proposal that no release has and that is no axis here. */
export interface RecordedProposal {
  /** Its name in docs/model/pvclock §10; absent for one that only docs/model/kernel-history §2 has. */
  readonly name?: string;
  readonly effect: string;
  readonly because: string;
}

/** What was proposed besides the axes' alternatives (docs/model/pvclock §10, docs/model/kernel-history §2), in that order. */
export const PROPOSED: readonly RecordedProposal[] = [
  {
    name: "clockGuestIoctl",
    effect: "KVM_GET_CLOCK_GUEST and KVM_SET_CLOCK_GUEST move a guest's clock exactly",
    because: "a way to migrate in live-migration and set-clock-pause",
  },
  {
    name: "tscScaleAttr",
    effect: "KVM_VCPU_TSC_SCALE tells user space the ratio",
    because: "a way to migrate in live-migration; getTscScale",
  },
  {
    name: "lastTscGone",
    effect: "the values of the last TSC write are kept once, not twice",
    because: "no behaviour intended",
  },
  {
    name: "noScaleWithoutConstant",
    effect: "no TSC scaling on a host whose TSC changes its rate",
    because: "every host's TSC here is constant",
  },
  {
    name: "rawOn32",
    effect: "32-bit hosts take CLOCK_MONOTONIC_RAW for kvmclock too",
    because: "every host here is 64-bit",
  },
  {
    name: "ktimeSnapshot",
    effect: "core timekeeping takes the snapshots of time and TSC, KVM's own copy of it goes",
    because: "no behaviour intended",
  },
  {
    effect: "the master clock is activated when a vCPU is created",
    because: "the first reference is taken at a VM's first run here",
  },
];
