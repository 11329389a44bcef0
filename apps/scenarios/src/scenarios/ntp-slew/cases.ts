/** The waits this story measures, as data: how NTP slews, how the host ticks, who waits and how. */

/** Parts of the slew parameter: −1 slow, 0 none, +1 fast. */
export type Sign = -1 | 0 | 1;

export interface WaitCase {
  readonly id: string;
  readonly title: string;
  readonly victim: "lapic" | "nested";
  /** The slew when the timer is armed, and from `changeAt` on. */
  readonly slew: Sign;
  readonly later: Sign;
  readonly device: "ideal" | "real";
  readonly ticks: "yes" | "no";
  /** While it waits the guest runs, or halts. */
  readonly waits: "spins" | "halts";
}

const steady = { device: "real", ticks: "yes", waits: "spins" } as const;
const idle = { device: "real", ticks: "no", waits: "halts" } as const;
const ideal = { device: "ideal", ticks: "yes", waits: "spins" } as const;

/** Every wait, in the order of the table. */
export const WAIT_CASES: readonly WaitCase[] = [
  { id: "slow", title: "slow clock", victim: "lapic", slew: -1, later: -1, ...steady },
  { id: "fast", title: "fast clock", victim: "lapic", slew: 1, later: 1, ...steady },
  { id: "slowIdle", title: "slow clock, idle CPU", victim: "lapic", slew: -1, later: -1, ...idle },
  { id: "fastIdle", title: "fast clock, idle CPU", victim: "lapic", slew: 1, later: 1, ...idle },
  { id: "slowIdeal", title: "slow clock, ideal device", victim: "lapic", slew: -1, later: -1, ...ideal },
  { id: "fastIdeal", title: "fast clock, ideal device", victim: "lapic", slew: 1, later: 1, ...ideal },
  { id: "slewsBack", title: "none, then slow", victim: "lapic", slew: 0, later: -1, ...ideal },
  { id: "slewsForward", title: "none, then fast", victim: "lapic", slew: 0, later: 1, ...ideal },
  { id: "endsFast", title: "fast, then none", victim: "lapic", slew: 1, later: 0, ...ideal },
  { id: "endsSlow", title: "slow, then none", victim: "lapic", slew: -1, later: 0, ...ideal },
  {
    id: "slewsBackIdle",
    title: "none, then slow, idle CPU",
    victim: "lapic",
    slew: 0,
    later: -1,
    ...idle,
  },
  { id: "nestedSlow", title: "slow clock", victim: "nested", slew: -1, later: -1, ...steady },
  { id: "nestedFast", title: "fast clock", victim: "nested", slew: 1, later: 1, ...steady },
  {
    id: "nestedFastIdle",
    title: "fast clock, no tick",
    victim: "nested",
    slew: 1,
    later: 1,
    device: "real",
    ticks: "no",
    waits: "spins",
  },
  { id: "nestedSlewsBack", title: "none, then slow", victim: "nested", slew: 0, later: -1, ...ideal },
  { id: "nestedEndsFast", title: "fast, then none", victim: "nested", slew: 1, later: 0, ...ideal },
];
