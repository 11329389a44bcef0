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
  /** In the table of the screen; the others are in `--json` and in expectations. */
  readonly shown: "always" | "in-json";
}

const steady = { device: "real", ticks: "yes", waits: "spins" } as const;
const idle = { device: "real", ticks: "no", waits: "halts" } as const;
const ideal = { device: "ideal", ticks: "yes", waits: "spins" } as const;
const lapic = { victim: "lapic", shown: "always" } as const;
const lapicInJson = { victim: "lapic", shown: "in-json" } as const;
const nested = { victim: "nested", shown: "in-json" } as const;

/** Every wait, in the order of the table. */
export const WAIT_CASES: readonly WaitCase[] = [
  { id: "slow", title: "slow clock", ...lapic, slew: -1, later: -1, ...steady },
  { id: "fast", title: "fast clock", ...lapic, slew: 1, later: 1, ...steady },
  { id: "slowIdle", title: "slow clock, idle CPU", ...lapicInJson, slew: -1, later: -1, ...idle },
  { id: "fastIdle", title: "fast clock, idle CPU", ...lapic, slew: 1, later: 1, ...idle },
  { id: "slowIdeal", title: "slow clock, ideal device", ...lapicInJson, slew: -1, later: -1, ...ideal },
  { id: "fastIdeal", title: "fast clock, ideal device", ...lapicInJson, slew: 1, later: 1, ...ideal },
  { id: "slewsBack", title: "none, then slow", ...lapic, slew: 0, later: -1, ...ideal },
  { id: "slewsForward", title: "none, then fast", ...lapic, slew: 0, later: 1, ...ideal },
  { id: "endsFast", title: "fast, then none", ...lapic, slew: 1, later: 0, ...ideal },
  { id: "endsSlow", title: "slow, then none", ...lapic, slew: -1, later: 0, ...ideal },
  { id: "slewsBackIdle", title: "none, then slow, idle CPU", ...lapicInJson, slew: 0, later: -1, ...idle },
  { id: "nestedSlow", title: "L2, slow clock", ...nested, slew: -1, later: -1, ...steady },
  { id: "nestedFast", title: "L2, fast clock", ...nested, slew: 1, later: 1, ...steady },
  {
    id: "nestedFastIdle",
    title: "L2, fast clock, no tick",
    ...nested,
    slew: 1,
    later: 1,
    device: "real",
    ticks: "no",
    waits: "spins",
  },
  { id: "nestedSlewsBack", title: "L2, none, then slow", ...nested, slew: 0, later: -1, ...ideal },
  { id: "nestedEndsFast", title: "L2, fast, then none", ...nested, slew: 1, later: 0, ...ideal },
];

/** A halted guest on a CPU that ticks: woken early, does it hear of its deadline? (docs/model/scenarios-clock §S2.d) */
export const BLOCKED: WaitCase = {
  id: "blocked",
  title: "fast clock, guest halted",
  ...lapic,
  slew: 1,
  later: 1,
  device: "real",
  ticks: "yes",
  waits: "halts",
};

/** Whether NTP changes its mind while the timer waits. */
export function slewChanges({ slew, later }: WaitCase): boolean {
  return slew !== later;
}
