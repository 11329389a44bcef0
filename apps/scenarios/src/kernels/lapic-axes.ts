import type { Axis } from "./axis.js";

/** The mitigations of NTP's hold on deadlines; no merged form of any was found. */
const M8 = "docs/model/timekeeping-ntp §8, in no release";

/** The local APIC's timer. */
export const LAPIC_AXES: readonly Axis[] = [
  {
    name: "periodicAdvance",
    title: "how a periodic timer moves its two deadlines on",
    history: [
      {
        value: "independent",
        since: "v4.5",
        effect: "each deadline moves by one period in its own clock; they part a little per tick",
      },
      {
        value: "resync",
        since: "v4.17",
        commit: "d8f2f498d9ed",
        effect: "the TSC deadline is recomputed from the CLOCK_MONOTONIC one at every advance",
        stable: [
          { series: "v4.14", patch: 67, known: "found-in" },
          { series: "v4.16", patch: 13, known: "found-in" },
        ],
        known: "v4.16.0 and v4.17.0 read; v4.15.0 has the old form",
      },
      {
        value: "resync-clamped",
        since: "v6.19",
        commit: "18ab3fc8e880",
        effect: "a target left behind by more than a period is moved to now",
        place: 3,
        stable: [
          { series: "v5.10", patch: 248, known: "memory" },
          { series: "v5.15", patch: 198 },
          { series: "v6.1", patch: 192, known: "found-in" },
          { series: "v6.6", patch: 120 },
          { series: "v6.12", patch: 64 },
          { series: "v6.18", patch: 3 },
        ],
        known: "v6.18.2 and v6.19.0 read; stable announcements",
      },
    ],
    alternatives: {
      "resync-signed": {
        kind: "mistake",
        effect: "the negative remainder converted with its sign, no clamp: an exit per missed period",
        source: "partial fix, docs/model/scenarios-lapic S004",
      },
      "resync-clamped-one-period-back": {
        kind: "proposal",
        effect: "clamp to now minus one period: the fallback to software stays",
        source: "proposed in 2022",
      },
      "resync-clamped-misassigned": {
        kind: "mistake",
        effect: "the TSC sum assigned to the CLOCK_MONOTONIC target",
        source: "a slip seen in review, docs/model/scenarios-lapic S004",
      },
    },
  },
  {
    name: "hrtimerRearm",
    title: "what the hrtimer callback re-arms itself for",
    history: [
      { value: "add-period", since: "v4.5", effect: "its own last expiry plus one period" },
      {
        value: "set-target",
        since: "v6.19",
        commit: "9633f180ce99",
        effect: "the target just computed, so that a clamp reaches the host timer too",
        place: 2,
        stable: [
          { series: "v5.10", patch: 248, known: "memory" },
          { series: "v5.15", patch: 198 },
          { series: "v6.1", patch: 192, known: "found-in" },
          { series: "v6.6", patch: 120 },
          { series: "v6.12", patch: 64 },
          { series: "v6.18", patch: 3 },
        ],
        known: "v6.18.2 and v6.19.0 read; stable announcements",
      },
    ],
  },
  {
    name: "period0",
    title: "a periodic callback that finds period 0",
    history: [
      { value: "restart", since: "v4.5", effect: "re-queues itself at an unchanged past time, for ever" },
      {
        value: "stop-and-warn",
        since: "v6.19",
        commit: "0ea9494be9c9",
        effect: "stops and warns once",
        place: 1,
        stable: [
          { series: "v5.10", patch: 248, known: "memory" },
          { series: "v5.15", patch: 198 },
          { series: "v6.1", patch: 192, known: "found-in" },
          { series: "v6.6", patch: 120 },
          { series: "v6.12", patch: 64 },
          { series: "v6.18", patch: 3 },
        ],
        known: "v6.18.2 and v6.19.0 read; stable announcements",
      },
    ],
  },
  {
    name: "switchToSw",
    title: "a periodic target already past when the timer moves to its hrtimer",
    history: [
      { value: "arm-past", since: "v4.5", effect: "the hrtimer is armed in the past" },
      {
        value: "expire-and-advance",
        since: "v4.17",
        commit: "ecf08dad723d",
        effect: "it expires at once and is advanced by one period",
        place: -1,
        stable: [
          { series: "v4.14", patch: 67, known: "found-in" },
          { series: "v4.16", patch: 13, known: "found-in" },
        ],
        known: "v4.15.0, v4.16.13 and v4.17.0 read",
      },
    ],
  },
  {
    name: "hvModes",
    title: "timer modes the VMX preemption timer serves",
    history: [
      { value: "none", since: "v4.5", effect: "every timer is an hrtimer" },
      {
        value: "deadline",
        since: "v4.8",
        commit: "ce7a058a2117",
        effect: "TSC-deadline timers expire by a VM exit",
        known: "v4.7.4 and v4.8.15 read; commit from memory",
      },
      {
        value: "all",
        since: "v4.10",
        commit: "8003c9ae204e",
        effect: "periodic and one-shot timers too: from here a periodic timer has two deadlines",
        known: "v4.9.0 and v4.10.17 read; the later fix's text",
      },
    ],
  },
  {
    name: "unblockToHv",
    title: "going back to the preemption timer after a halt",
    history: [
      { value: "always", since: "v4.5", effect: "attempted after every halt" },
      {
        value: "if-was-hv",
        since: "v5.17",
        commit: "98c25ead5eda",
        effect: "only if it was in use before: one fallback lasts until the guest rewrites the timer",
        known: "v5.15.16 and v5.17-rc5 read, placed by its date",
      },
    ],
  },
  {
    name: "timerPlacement",
    title: "where the hrtimer runs and how it reaches a running guest",
    history: [
      { value: "unpinned", since: "v4.5", effect: "any CPU; a running guest hears of it at its next exit" },
      {
        value: "pinned",
        since: "v4.6",
        commit: "61abdbe0bcc2",
        effect: "the CPU that armed it",
        known: "v4.5.0 and v4.6.2 read; named among the merges of v4.6-rc",
      },
      {
        value: "unpinned-kick",
        since: "v5.3",
        commit: "4d151bf3b89e",
        effect: "any CPU; a running guest is kicked out by an IPI",
        known: "v5.2.1 and v5.3.0 read",
      },
    ],
    alternatives: {
      posted: {
        kind: "option",
        effect: "injected from the timer's CPU by a posted interrupt",
        source: "v5.2.1 and v5.3.0 read",
        since: "v5.3",
        commit: "0c5f81dad46c",
      },
    },
  },
  {
    name: "advance",
    title: "how lapic_timer_advance tunes itself",
    history: [
      { value: "fixed", since: "v4.5", effect: "the parameter, never tuned" },
      {
        value: "auto-global",
        since: "v4.20",
        commit: "3b8a5df6c4dc",
        effect: "one tuned value for the host",
        known: "v4.19.1 and v4.20.0 read",
      },
      {
        value: "auto-vcpu-off-above-5000",
        since: "v5.1",
        commit: "39497d7660d9",
        with: ["57bf67e73ce9"],
        effect: "per vCPU; switched off for good above 5 µs",
        stable: [{ series: "v5.0", patch: 14, known: "memory" }],
        known: "v5.0.0 and v5.1.15 read; pull request of v5.1-rc8; review of v5.0.y, 6 May 2019",
      },
      {
        value: "auto-vcpu-reset-above-5000",
        since: "v5.3",
        effect: "back to 1 µs above 5 µs",
        known: "v5.2.1 and v5.3.0 read",
      },
      {
        value: "auto-vcpu-band",
        since: "v5.4",
        commit: "84ea3acaa01f",
        effect: "an eighth of the error inside 100 to 10 000 cycles, never stops",
        known: "v5.3.0 and v5.4.195 read, a stable release",
      },
    ],
  },
  {
    name: "advanceWait",
    title: "the unit of the wait before entry",
    history: [
      { value: "guest-cycles", since: "v4.5", effect: "guest cycles, wrong under TSC scaling" },
      {
        value: "scaled-ns",
        since: "v5.1",
        commit: "b6aa57c69cb2",
        effect: "converted to host time",
        known: "v5.0.0 and v5.1.15 read",
      },
    ],
  },
  {
    name: "tdcr",
    title: "a divisor written while the timer runs",
    history: [
      { value: "at-next-tmict", since: "v4.5", effect: "takes effect at the next count written" },
      {
        value: "immediate",
        since: "v4.15",
        commit: "c301b909e4b9",
        effect: "rescales the running count",
        known: "v4.14.74 and v4.15.0 read",
      },
    ],
  },
  {
    name: "oneshotRestore",
    title: "a one-shot timer that had expired when the VM was saved",
    history: [
      { value: "full-period", since: "v4.5", effect: "starts over" },
      {
        value: "fire",
        since: "v6.3",
        commit: "8e6ed96cdd50",
        effect: "fires on the destination",
        stable: [{ series: "v6.1", patch: 192, known: "found-in" }],
        known: "v6.2.1, v6.4.4 and v6.1.192 read",
      },
    ],
  },
  {
    name: "deadlineClock",
    title: "how a software timer for a guest deadline deals with NTP",
    history: [
      {
        value: "monotonic",
        since: "v4.5",
        effect: "armed on CLOCK_MONOTONIC as if it ran with the TSC; a slew makes it early or late",
      },
    ],
    alternatives: {
      raw: {
        kind: "proposal",
        effect: "armed on CLOCK_MONOTONIC_RAW, which NTP leaves alone",
        source: "proposed for ARM in January 2016, merged and reverted in 2017",
      },
      "rate-compensated": {
        kind: "proposal",
        effect: "the wait scaled by the slew in force when it is armed; wrong once the slew changes",
        source: M8,
      },
      "restart-on-update": {
        kind: "proposal",
        effect: "scaled so, and armed again when the slew has changed",
        source: M8,
      },
      "recheck-on-wake": {
        kind: "proposal",
        effect: "an early expiry waits for the rest; a late one stays late",
        source: "on ARM since v4.6 (1c5631c73fc2), on x86 in no release",
      },
      "mapped-each-tick": {
        kind: "proposal",
        effect: "armed on CLOCK_MONOTONIC_RAW, which the host maps to its timers anew at each tick",
        source: "proposed in 2024",
      },
      "hardware-multiplexed": {
        kind: "proposal",
        effect: "a nested preemption timer uses the host's own too, while its vCPU is in guest mode",
        source: M8,
      },
      "compensated-rechecked": {
        kind: "proposal",
        effect: "scaled, armed again when the slew has changed, and asked at its expiry",
        source: M8,
      },
      "recheck-without-restart": {
        kind: "mistake",
        effect: "an early expiry is taken for none and no timer is left: the wake-up is lost",
        source: "ARM before 1c5631c73fc2",
      },
    },
  },
];
