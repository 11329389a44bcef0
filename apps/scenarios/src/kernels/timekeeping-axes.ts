import type { Axis } from "./axis.js";

/** How a kernel turns a counter into time: of the host, and in the guest, whose kernel is of the release that is run too. */
export const TIMEKEEPING_AXES: readonly Axis[] = [
  {
    name: "delta",
    title: "a clock read long after the last tick",
    history: [
      {
        value: "unsigned",
        since: "v4.5",
        effect: "cycles times mult wrap at 64 bits: after 1100 s at 2.5 GHz the clock falls back",
      },
      {
        value: "safe",
        since: "v6.10",
        commit: "fcf190c36914",
        with: ["135225a363ae"],
        effect: "converted the wide way; a counter that stepped back reads as no progress",
        known: "v6.9.0 and v6.10.0 read",
      },
    ],
    use: "no-story",
  },
  {
    name: "negMotion",
    title: "what a guest's clocksource watchdog takes for a counter that went backwards",
    history: [
      { value: "msb", since: "v4.5", effect: "a difference of more than half the counter's width" },
      {
        value: "seven-eighths",
        since: "v6.13",
        commit: "76031d9536a0",
        with: ["c163e40af9b2"],
        effect: "more than seven eighths of it: a long idle on a narrow counter no longer stops time",
        stable: [{ series: "v6.12", patch: 117, known: "found-in" }],
        known: "v6.11.11, v6.13.7 and v6.12.117 read, placed by its date; commits from memory",
      },
    ],
    use: "no-story",
  },
  {
    name: "guestWatchdog",
    title: "what a guest's clocksource watchdog lets pass",
    history: [
      {
        value: "max-skew",
        since: "v4.5",
        effect:
          "400 µs between two passes, and a read that takes 100 µs; as read in 6.1, older releases were not",
      },
      {
        value: "margins",
        since: "v6.12",
        effect: "500 µs, for a read too",
        known: "v6.1 and v6.12 read; where between them it came is not known",
      },
    ],
    source: "docs/model/clocksource-tsc §4",
  },
];
