import type { Axis } from "./axis.js";

/** The guest's own kernel, which is of the release that is run too. */
export const GUEST_AXES: readonly Axis[] = [
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
  },
];
