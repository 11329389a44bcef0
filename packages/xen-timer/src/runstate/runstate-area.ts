import type { GuestArea } from "../vm/guest-area.js";
import type { SharedInfoLayout } from "../vm/shared-info-layout.js";
import type { RunstateTimes, RunstateValue } from "./runstate-types.js";

/** XEN_RUNSTATE_UPDATE, bit 63 of `state_entry_time`: the body is being written. */
const UPDATE_BYTE = 0x80;

/** What is copied to the guest. */
export interface RunstateSnapshot {
  readonly state: RunstateValue;
  readonly entryTimeNs: bigint;
  readonly timesNs: RunstateTimes;
}

/**
 * Writes `vcpu_runstate_info`, 32-bit code's 44 bytes packed, 64-bit code's 48. Under the update flag the flag is set alone,
 * as a byte, because the field may straddle cache lines; then comes the body, flag included; then the flag is cleared.
 * Source: docs/model/xen-timer §9.
 */
export function writeRunstate(
  area: GuestArea,
  layout: SharedInfoLayout,
  snapshot: RunstateSnapshot,
  protocol: "flagged" | "plain",
): void {
  const entry = layout.runstateEntryTime;
  const flagAt = entry + 7;
  const topByte = Number(snapshot.entryTimeNs >> 56n);
  if (protocol === "flagged") area.writeU8(flagAt, topByte | UPDATE_BYTE);
  area.writeU32(0, snapshot.state);
  const flag = protocol === "flagged" ? 1n << 63n : 0n;
  area.writeU64(entry, snapshot.entryTimeNs | flag);
  for (const [i, ns] of snapshot.timesNs.entries()) area.writeU64(entry + 8 + 8 * i, ns);
  if (protocol === "flagged") area.writeU8(flagAt, topByte & ~UPDATE_BYTE);
}
