import type { RunHooks, Table } from "../../scenario/types.js";
import type { MasterClockYankParams } from "./params.js";
import { READ_NS, yank } from "./yank.js";

export const PAIR_AGE_NS = 86_400_000_000_000n;
/** They are followed up to the second read, which is the last thing asked of them. */
const NO_LONGER_NS = 6n * READ_NS;
/** Frequencies of host and guest, kHz: the story's own, and those of its page. */
export const PAIRS = [
  [2_500_000n, 2_500_000n],
  [2_400_000n, 2_400_000n],
  [2_000_000n, 2_000_000n],
  [3_000_000n, 2_500_000n],
  [2_400_000n, 2_500_000n],
  [2_900_000n, 2_500_000n],
  [2_600_000n, 1_950_000n],
] as const;
/** The margins of tsc and kvm-clock together: what the guest's watchdog lets pass between two of its passes. */
export function watchdogLimitNs(axes: Readonly<Record<string, string>>): bigint {
  return axes.guestWatchdog === "margins" ? 500_000n : 400_000n;
}

/** The same event in a VM of one vCPU a day old, at each pair of frequencies. */
export function pairsTable(
  params: MasterClockYankParams,
  axes: Readonly<Record<string, string>>,
  hooks: RunHooks,
  onPair: (done: number) => void,
): Table {
  const { signal } = hooks;
  const rows = PAIRS.map(([hostKhz, guestKhz], i) => {
    const pair = { ...params, hostKhz, guestKhz, vcpus: 1n, age: PAIR_AGE_NS };
    const { jumpNs } = yank(pair, axes, { afterNs: NO_LONGER_NS, ...(signal && { hooks: { signal } }) });
    onPair(i + 1);
    return [hostKhz, guestKhz, jumpNs, leastAge(jumpNs, watchdogLimitNs(axes))];
  });
  return {
    title: "the same after a day, and from which age the watchdog notices it",
    columns: [
      { name: "host", unit: "kHz", title: "host TSC" },
      { name: "guest", unit: "kHz", title: "guest TSC" },
      { name: "jump", unit: "ns", title: "jump", signed: true },
      { name: "noticedFrom", unit: "ns", title: "noticed from" },
    ],
    rows,
  };
}

/** The clocks part evenly: the age at which they are the watchdog's limit apart. */
function leastAge(jumpNs: bigint, limitNs: bigint): bigint | "never" {
  const size = jumpNs < 0n ? -jumpNs : jumpNs;
  return size === 0n ? "never" : (limitNs * PAIR_AGE_NS) / size;
}
