import type { Axis } from "./axis.js";

/** The host's timers. */
export const HOST_AXES: readonly Axis[] = [
  {
    name: "eventDevice",
    title: "how a host CPU programs its clock event device",
    history: [
      {
        value: "fixed-mult",
        since: "v4.5",
        effect: "nanoseconds become TSC cycles by a multiplier NTP does not touch",
      },
      {
        value: "coupled",
        since: "v7.1",
        commit: "cd38bdb8e696",
        with: ["f246ec3478cf"],
        effect: "by CLOCK_MONOTONIC's rate of the moment: no early wake-up under a forward slew",
        known: "v7.0.0 and v7.1.2 read; pull request",
      },
    ],
  },
  {
    name: "equalTarget",
    title: "an unpinned timer due exactly at another CPU's next event",
    history: [
      { value: "stay", since: "v4.5", effect: "stays on the CPU that starts it" },
      { value: "move", since: "v4.16", effect: "goes to that CPU", known: "v4.15.0 and v4.16.13 read" },
    ],
  },
  {
    name: "forceLocal",
    title: "starting again the timer that is its CPU's next event",
    history: [
      { value: "off", since: "v4.5", effect: "a CPU is chosen anew" },
      {
        value: "on",
        since: "v5.14",
        commit: "627ef5ae2df8",
        effect: "stays where it is",
        known: "v5.11.0 and v5.15.16 read; release and commit from memory",
      },
    ],
  },
];
