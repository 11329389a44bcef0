import type { Axis } from "./axis.js";

/** Xen's PV timers. */
export const XEN_AXES: readonly Axis[] = [
  {
    name: "xenStart",
    title: "where a Xen timer takes the present from when it starts",
    history: [
      { value: "absent", since: "v4.5", effect: "the kernel has no Xen timer; user space has" },
      {
        value: "split-samples",
        since: "v5.19",
        commit: "536395260582",
        effect: "KVM's own reckoning of the guest's clock, and then CLOCK_MONOTONIC",
        known: "v5.18.12 and v5.19.0 read",
      },
      {
        value: "single-sample",
        since: "v6.9",
        commit: "451a707813ae",
        effect: "the clock the guest reads and CLOCK_MONOTONIC, from one read of the TSC",
        known: "v6.8.0 and v6.9.0 read; not in v6.1.192",
      },
    ],
  },
  {
    name: "xenFutureFlag",
    title: "a Xen one-shot timer in the past that must be in the future",
    history: [
      { value: "absent", since: "v4.5", effect: "the kernel has no Xen timer; user space has" },
      {
        value: "etime",
        since: "v5.19",
        commit: "536395260582",
        effect: "is refused with -ETIME",
        known: "v5.18.12 and v5.19.0 read",
      },
      {
        value: "ignored",
        since: "v6.7",
        commit: "409f2e92a27a",
        effect: "fires at once",
        place: 1,
        known: "v6.6.0 and v6.8.0 read, placed by its date; not in v6.1.192",
      },
    ],
  },
  {
    name: "xenDelivery",
    title: "who delivers the event of a Xen timer",
    history: [
      { value: "absent", since: "v4.5", effect: "the kernel has no Xen timer; user space has" },
      {
        value: "deferred",
        since: "v5.19",
        commit: "536395260582",
        effect: "the vCPU, at its next entry",
        known: "v5.18.12 and v5.19.0 read",
      },
      {
        value: "fast",
        since: "v6.7",
        commit: "77c9b9dea4fb",
        effect: "the timer's own interrupt",
        known: "v6.6.0 and v6.8.0 read, placed by its date; not in v6.1.192",
      },
    ],
  },
  {
    name: "xenTimerClock",
    title: "whose copy of the guest's clock a Xen timer reads",
    history: [
      { value: "absent", since: "v4.5", effect: "no timer reads the clock that the guest reads" },
      {
        value: "cached",
        since: "v6.9",
        commit: "451a707813ae",
        effect: "the copy that KVM published last",
        known: "v6.8.0 and v6.9.0 read",
      },
      {
        value: "area",
        since: "v6.15",
        commit: "ca28aa63918b",
        effect: "the one in the guest's own Xen area",
        place: 1,
        known: "v6.14.0 and v6.16.1 read; pull request of v6.15; not in v6.12.117",
      },
    ],
  },
  {
    name: "xenArgumentCopy",
    title: "how a structure is copied from a guest's pointer in a Xen hypercall",
    history: [
      {
        value: "physical",
        since: "v4.5",
        effect: "its first byte's address is translated, and the rest read on in physical memory",
      },
      {
        value: "virtual",
        since: "v6.12",
        effect: "through the guest's page tables, byte for byte",
        known: "v6.1 and v6.12 read; where between them it came is not known",
      },
    ],
    use: "no-story",
    source: "docs/model/xen-timer §3",
  },
  {
    name: "xenWallClock",
    title: "how CLOCK_REALTIME and the guest's clock are read for Xen's wall clock",
    history: [
      { value: "split-reads", since: "v4.5", effect: "one after the other" },
      {
        value: "single-read",
        since: "v6.12",
        effect: "of one instant",
        known: "v6.1 and v6.12 read; where between them it came is not known",
      },
    ],
    use: "no-story",
    source: "docs/model/xen-timer §8",
  },
  {
    name: "xenLatch",
    title: "Xen's wall clock when the guest's mode is latched with shared_info mapped",
    history: [
      { value: "silent", since: "v4.5", effect: "stays where the old layout has it" },
      {
        value: "rewrites-wall-clock",
        since: "v6.12",
        effect: "is written where the new layout has it",
        known: "v6.1 and v6.12 read; where between them it came is not known",
      },
    ],
    use: "no-story",
    source: "docs/model/xen-timer §8",
  },
  {
    name: "runstate",
    title: "Xen's runstate times when the clock has stepped back",
    history: [
      { value: "wrap", since: "v4.5", effect: "the negative time counts as centuries" },
      {
        value: "clamped",
        since: "v7.3",
        commit: "36a85200643e",
        effect: "counts as none",
        place: 2,
        proposal: "runstateNonNeg",
        known: "push log of v7.3's merge window; by its title, the text was not read",
      },
    ],
    use: "no-story",
  },
  {
    name: "xenRouting",
    title: "a Xen timer hypercall of a vCPU whose Xen id was never set",
    history: [
      { value: "in-kernel", since: "v4.5", effect: "the kernel serves it, from v5.19 on" },
      {
        value: "needs-vcpu-id",
        since: "v7.3",
        commit: "e4ffb0ceb9f4",
        with: ["32d7943e5179", "c10bd49bdcc9"],
        effect: "goes to user space",
        place: 3,
        known: "push log of v7.3's merge window; the text was not read",
      },
    ],
    use: "no-story",
  },
];
