/** A change of the kernel's that belongs to its history of time, and that no package here models. */
export interface RecordedChange {
  readonly release: string;
  readonly commit?: string;
  readonly effect: string;
  /** Why it makes no difference here, or what would be needed. */
  readonly because: string;
}

/** What the history has besides the axes (docs/model/kernel-history §1, §3), in its order. */
export const RECORDED: readonly RecordedChange[] = [
  {
    release: "v4.3",
    commit: "9642d18eee2c",
    effect: "unpinned timers leave nohz_full CPUs for housekeeping ones",
    because: "older than the table; every release in it does",
  },
  {
    release: "v4.6",
    commit: "1c5631c73fc2",
    effect: "on ARM, a timer that fires early after a step no longer loses the guest's event",
    because: "on ARM; deadlineClock has it as recheck-on-wake",
  },
  {
    release: "v4.17",
    commit: "78b98e3c5a66",
    effect: "NTP sets the clock's multiplier from the tick's length at once, instead of by a slow loop",
    because: "the loop is not modelled: every release steers at once",
  },
  {
    release: "v5.3",
    commit: "0c5f81dad46c",
    effect: "an expiry may be posted into the guest from the timer's own CPU",
    because: "an option, not a release's default: timerPlacement=posted",
  },
  {
    release: "v5.4",
    commit: "2c0d278f3293",
    effect: "the LAPIC timer expires in hard interrupt context also on PREEMPT_RT",
    because: "no host here is PREEMPT_RT",
  },
  {
    release: "v6.7",
    commit: "9cfec6d097c6",
    effect: "restoring a snapshot no longer loses a timer's interrupt on hosts with APICv",
    because: "from v6.3 to v6.6 restored APICv guests could freeze; IRR under APICv is not restored here",
  },
  {
    release: "v7.1",
    effect: "hrtimers: the device is programmed once, on the way out of the interrupt",
    because: "the same instants; only the cost differs",
  },
  {
    release: "v7.3",
    commit: "7d3bd21e457b",
    effect: "Xen's CPUID leaf of the TSC's frequency is not rewritten under the guest any more",
    because: "no guest here reads that leaf",
  },
  {
    release: "v7.3",
    commit: "0aaedada606a",
    effect: "the preemption timer is capped against an erratum: long deadlines go to an hrtimer sooner",
    because: "the cap is not known",
  },
  {
    release: "v7.3",
    commit: "0ca49fbd2883",
    effect: "Hyper-V's synthetic timers are clamped: no livelock on tiny periods",
    because: "there are no synthetic timers here",
  },
];
