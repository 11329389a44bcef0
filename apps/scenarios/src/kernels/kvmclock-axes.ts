import type { Axis } from "./axis.js";

/** "Cleaning up the KVM clock mess", as first posted and as it had grown. */
const SERIES = "proposed in 2024, not merged by v7.3";
const SERIES_2026 = "proposed in 2026, not merged by v7.3";

/** The guest's TSC and kvmclock. */
export const KVMCLOCK_AXES: readonly Axis[] = [
  {
    name: "base",
    title: "the host clock behind kvmclock",
    history: [
      { value: "boot", since: "v4.5", effect: "CLOCK_BOOTTIME: a new reference passes on what NTP slewed" },
      {
        value: "mixed",
        since: "v5.5",
        commit: "53fafdbb8b21",
        effect: "CLOCK_MONOTONIC_RAW, but its offset from CLOCK_BOOTTIME: the clock may start below 0",
        known: "v5.4.195 and v5.6.4 read; pull request of v5.5",
      },
      {
        value: "raw",
        since: "v5.6",
        commit: "8171cd68806b",
        effect: "CLOCK_MONOTONIC_RAW throughout",
        known:
          "pull request of v5.6; v5.5 was not read; tagged for stable, where it is in v5.5.y from memory",
      },
    ],
  },
  {
    name: "userTsc",
    title: "when a TSC that user space writes is taken for one in step",
    history: [
      {
        value: "1s-slop",
        since: "v4.5",
        effect:
          "within a second of the last write carried on, vCPU creation included: a young guest's is swallowed",
      },
      {
        value: "first-write-wins",
        since: "v6.7",
        commit: "bf328e22e472",
        effect: "the same, but the first write of user space is taken as it is",
        place: 2,
        known: "v6.6.0 and v6.8.0 read, placed by its date; not in v6.1.192",
      },
    ],
  },
  {
    name: "vcpuAddRefresh",
    title: "when a vCPU's counter asks for a new reference of the clock",
    history: [
      {
        value: "always",
        since: "v4.5",
        effect: "at every write while a master clock is on: adding a vCPU steps the clock",
      },
      {
        value: "on-change",
        since: "v6.7",
        commit: "c52ffadc65e2",
        effect: "when the master clock goes on or off, or counters part",
        place: 3,
        known: "v6.6.0 and v6.8.0 read, placed by its date; not in v6.1.192",
      },
    ],
  },
  {
    name: "periodicSync",
    title: "renewing every vCPU's clock from time to time",
    history: [
      {
        value: "300s",
        since: "v4.5",
        effect: "every five minutes: without a master clock vCPUs come together again",
      },
      {
        value: "none",
        since: "v6.19",
        commit: "43ddbf16edf5",
        effect: "never",
        place: 4,
        known: "v6.18.2 and v6.19.0 read; not in v6.12.117",
      },
    ],
  },
  {
    name: "globalUpdate",
    title: "when one vCPU's clock update reaches the others",
    history: [
      { value: "delayed-100ms", since: "v4.5", effect: "100 ms after the first request" },
      {
        value: "immediate",
        since: "v6.19",
        commit: "446fcce2a52b",
        effect: "at once",
        place: 5,
        known: "v6.18.2 and v6.19.0 read; not in v6.12.117",
      },
      {
        value: "ratelimited",
        since: "v7.1",
        commit: "8fe2e698fce4",
        effect: "at once, ten times a second for loads of a vCPU, else not at all",
        place: 1,
        known: "v7.0.0 and v7.1.2 read; fixes for v7.1-rc",
      },
    ],
  },
  {
    name: "stoppedFlag",
    title: "where the flag GUEST_STOPPED shows",
    history: [
      { value: "bleeds", since: "v4.5", effect: "in Xen's areas too" },
      {
        value: "kvmclock-only",
        since: "v6.15",
        commit: "93fb0b10e712",
        with: ["24c166378026"],
        effect: "in kvmclock's own area",
        known: "v6.14.0 and v6.16.1 read; pull request of v6.15; not in v6.12.117",
      },
    ],
  },
  {
    name: "xenMapYank",
    title: "mapping Xen's shared_info page",
    history: [
      { value: "yank", since: "v4.5", effect: "takes a new reference: the guest's clock jumps" },
      {
        value: "none",
        since: "v7.3",
        commit: "633d7652f80f",
        effect: "leaves the clock alone",
        place: 1,
        proposal: "noShinfoYank",
        known: "push log of v7.3's merge window; the old form read in v7.1.5",
      },
    ],
  },
  {
    name: "guestKhz",
    title: "the unit in which the rate of a scaled guest TSC is taken for kvmclock",
    history: [
      {
        value: "truncated-khz",
        since: "v4.5",
        effect: "kHz, rounded down: up to a kHz slow, so that kvmclock runs fast",
      },
    ],
    alternatives: {
      hz: { kind: "proposal", effect: "Hz, rounded down", source: SERIES, proposal: "hzScale" },
    },
  },
  {
    name: "getClock",
    title: "how KVM itself reckons the guest's clock",
    history: [
      {
        value: "direct",
        since: "v4.5",
        effect: "from the host's TSC by the host's scale; the guest goes by its own",
      },
    ],
    alternatives: {
      "via-guest-tsc": {
        kind: "proposal",
        effect: "from the guest's TSC, as the guest does",
        source: SERIES,
        proposal: "preciseGetClock",
      },
    },
  },
  {
    name: "masterClockTsc",
    title: "what a master clock asks of the vCPUs' counters",
    history: [
      { value: "equal-offset", since: "v4.5", effect: "one offset: a cycle of difference turns it off" },
    ],
    alternatives: {
      "equal-frequency": {
        kind: "proposal",
        effect: "one frequency; offsets may differ",
        source: SERIES,
        proposal: "offsetTscOk",
      },
    },
  },
  {
    name: "masterClockRequests",
    title: "several requests for a new reference at once",
    history: [{ value: "each-vcpu", since: "v4.5", effect: "each vCPU takes one" }],
    alternatives: {
      once: {
        kind: "proposal",
        effect: "the first serves all",
        source: SERIES,
        proposal: "dedupMasterclock",
      },
    },
  },
  {
    name: "gratuitousGlobal",
    title: "spreading clock updates where a master clock makes it useless",
    history: [{ value: "always", since: "v4.5", effect: "done all the same" }],
    alternatives: {
      "without-master-clock": {
        kind: "proposal",
        effect: "only without a master clock",
        source: SERIES,
        proposal: "noGratuitousGlobal",
      },
    },
  },
  {
    name: "catchup",
    title: "the instant for which a TSC that software moves on is computed",
    history: [
      {
        value: "reference",
        since: "v4.5",
        effect: "the clock's reference: under a master clock once, and then never again",
      },
    ],
    alternatives: {
      now: { kind: "proposal", effect: "the update itself", source: SERIES_2026, proposal: "catchupNow" },
    },
  },
  {
    name: "catchupDelta",
    title: "a TSC that software moves on, at a reference before its last write",
    history: [
      { value: "unsigned", since: "v4.5", effect: "the difference counts as centuries: the TSC leaps ahead" },
    ],
    alternatives: {
      signed: { kind: "proposal", effect: "the TSC stays", source: SERIES_2026, proposal: "catchupNegative" },
    },
  },
  {
    name: "tscKhzChange",
    title: "the TSC of a vCPU whose frequency is set while it runs",
    history: [
      { value: "jumps", since: "v4.5", effect: "jumps by what the new ratio makes of the host's uptime" },
    ],
    alternatives: {
      resync: {
        kind: "proposal",
        effect: "goes on from where it was",
        source: SERIES_2026,
        proposal: "resyncOnKhz",
      },
    },
  },
  {
    name: "systemTimeWrite",
    title: "the page of a vCPU that writes MSR_KVM_SYSTEM_TIME again",
    history: [{ value: "keeps-page", since: "v4.5", effect: "stays as it is until the vCPU's next run" }],
    alternatives: {
      "clears-stable": {
        kind: "observation",
        effect: "TSC_STABLE is cleared at once, with a version step",
        source: "seen on v6.18 without TSC scaling, docs/model/pvclock; since when is not known",
      },
    },
    use: "no-story",
    source: "docs/model/pvclock",
  },
];
