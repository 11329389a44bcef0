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
];
