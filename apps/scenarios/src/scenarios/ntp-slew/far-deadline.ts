import type { RunContext } from "../../scenario/types.js";
import { buildSlewMachine } from "./machine.js";
import { waitLapic } from "./measure-wait.js";
import type { NtpSlewParams } from "./params.js";

/** The first distance whose nanoseconds wrap: 2^64 / 10^6 guest cycles (docs/model/timekeeping-ntp §7.1). */
export const WRAPPING_CYCLES: bigint = 2n ** 64n / 1_000_000n + 1n;

/** The alias of that deadline is at once: what does not expire within this long keeps its distance. */
const WATCHED_NS = 100_000_000n;

/** Where a deadline `WRAPPING_CYCLES` away expires, ps from it; undefined if not at once. */
export function measureFarDeadline(context: RunContext<NtpSlewParams>): bigint | undefined {
  const machine = buildSlewMachine(context, { slewPpb: 0n, device: "real", ticks: "no" });
  const { armAfter: armNs } = context.params;
  return waitLapic(machine, { armNs, cycles: WRAPPING_CYCLES, waits: "halts", watchedNs: WATCHED_NS })
    .errorPs;
}
