import type { RunResult } from "../../scenario/types.js";
import { formatQuantity } from "../../units/format-quantity.js";
import type { DeadlineClock } from "./applies.js";

/** What each mitigation gets right, and what wrong (docs/model/timekeeping-ntp §8). */
const MERITS: Readonly<Record<DeadlineClock, string>> = {
  monotonic: "every slew moves every deadline",
  raw: "right whatever NTP does, but on timers the kernel does not have (merged in 2017, and reverted)",
  "rate-compensated": "right while the slew holds, worse than nothing once it ends",
  "restart-on-update": "right when the slew changes too, at the price of arming every timer again",
  "recheck-on-wake": "never early, and as late as without",
  "mapped-each-tick": "right to a tick, for a division at every look",
  "hardware-multiplexed": "right in guest mode, as without once the guest halts",
  "compensated-rechecked": "right when the slew changes too, and never early",
  "recheck-without-restart": "a deadline that comes early is never heard of",
};

/** Those that stretch a wait for a forward slew: on an idle CPU, a device that does not know of it takes that for time. */
const STRETCHING: readonly DeadlineClock[] = [
  "rate-compensated",
  "restart-on-update",
  "mapped-each-tick",
  "compensated-rechecked",
];

/** What a device that the slew does not reach makes of a forward one while its CPU sleeps. */
function onIdleCpu(mitigation: DeadlineClock): string {
  if (mitigation === "monotonic") return ", but for a forward one on an idle CPU";
  return STRETCHING.includes(mitigation) ? "; but late on an idle CPU, which is exact without" : "";
}

/** One line: the worst of the steady and the changing waits, and what the mitigation is worth. */
export function verdict({ axes, observations }: RunResult, name: string): string {
  const mitigation = axes.deadlineClock as DeadlineClock;
  const worst = formatQuantity(observations.worst?.value ?? 0n, "ps");
  const idle = axes.eventDevice === "fixed-mult" ? onIdleCpu(mitigation) : "";
  return `${name}: ${worst} off at worst; ${MERITS[mitigation]}${idle}`;
}
