import type { TraceTextRecord } from "@chronovisor/trace";
import { numberOf, textOf } from "./record-values.js";
import type { VcpuName } from "./vcpu-directory.js";

/** Something that can put vCPUs' counters out of step. */
export interface Suspect {
  readonly what: "offset-write" | "tsc-write";
  readonly vcpu: VcpuName;
  readonly time: bigint;
  /** What an offset changed by, or what was written; cycles. */
  readonly cycles: bigint;
}

/**
 * Why a master clock is off: the first of KVM's conditions that does not hold. The last two of them no event names: which of the two it
 * is shows where the log has the boot vCPU's choice of kvmclock's interface, and is `other` where it has not.
 */
export type MasterClockReason =
  | "host-clocksource"
  | "unmatched-tsc"
  | "old-kvmclock"
  | "host-tsc-backwards"
  | "other";

/** The master clock went on or off. */
export interface MasterClockChange {
  readonly time: bigint;
  readonly to: "off" | "on";
  /** The host's clocksource as KVM names it. */
  readonly hostClock: string;
  /** The thread in which KVM decided it. */
  readonly comm: string;
  readonly pid: number;
  /** Why it went off. */
  readonly reason: MasterClockReason | undefined;
  /** The last write that moved a guest's TSC, where counters out of step are the reason. */
  readonly suspect: Suspect | undefined;
  /** How many vCPUs were in step of how many, as KVM last counted. */
  readonly matched: { readonly vcpus: bigint; readonly online: bigint } | undefined;
}

/** What a log says of a VM's master clock. */
export interface MasterClockFindings {
  readonly updates: number;
  readonly state: "unknown" | "off" | "on";
  /** How often it went on or off, the state it was first seen in not counted. */
  readonly changed: number;
  /** The first twenty of these, and what it was first seen in if that was off. */
  readonly changes: readonly MasterClockChange[];
}

const KEPT = 20;

/**
 * Follows `kvm_update_master_clock`. KVM uses a master clock while the host's clocksource is the TSC, the TSCs of all vCPUs are in
 * step, no host CPU's TSC went back, and the boot vCPU has no kvmclock of the old interface
 * (`arch/x86/kvm/x86.c:pvclock_update_vm_gtod_copy`; docs/model/pvclock).
 */
export class MasterClockWatch {
  #updates = 0;
  #state: "unknown" | "off" | "on" = "unknown";
  #changed = 0;
  readonly #changes: MasterClockChange[] = [];
  #suspect: Suspect | undefined;
  #kvmclock: "old" | "new" | undefined;
  #matched: { readonly vcpus: bigint; readonly online: bigint } | undefined;

  /** Takes a write that moved a guest's TSC. */
  suspect(suspect: Suspect): void {
    this.#suspect = suspect;
  }

  /** The boot vCPU's guest chose kvmclock's interface, old or new, by the MSR it wrote. */
  kvmclockChosen(kvmclock: "old" | "new"): void {
    this.#kvmclock = kvmclock;
  }

  /** Takes a `kvm_track_tsc`. It counts the vCPUs that match the one before: one fewer than are in step. */
  tracked(record: TraceTextRecord): void {
    this.#matched = { vcpus: numberOf(record, "matchedVcpus") + 1n, online: numberOf(record, "onlineVcpus") };
  }

  /** Takes a `kvm_update_master_clock`. */
  updated(record: TraceTextRecord): void {
    this.#updates += 1;
    const to = numberOf(record, "useMasterClock") === 0n ? "off" : "on";
    const was = this.#state;
    this.#state = to;
    const isFirst = was === "unknown";
    if (was !== to && (!isFirst || to === "off")) {
      if (!isFirst) this.#changed += 1;
      if (this.#changes.length < KEPT) this.#changes.push(this.#changeOf(record, to));
    }
    // In step again: what moved a TSC before is no suspect for what comes.
    if (to === "on") this.#suspect = undefined;
  }

  findings(): MasterClockFindings {
    return {
      updates: this.#updates,
      state: this.#state,
      changed: this.#changed,
      changes: [...this.#changes],
    };
  }

  #changeOf(record: TraceTextRecord, to: "off" | "on"): MasterClockChange {
    const hostClock = textOf(record, "hostClock");
    const reason = to === "on" ? undefined : this.#reason(hostClock, numberOf(record, "offsetMatched"));
    return {
      time: record.time,
      to,
      hostClock,
      comm: record.comm,
      pid: record.pid,
      reason,
      suspect: reason === "unmatched-tsc" ? this.#suspect : undefined,
      matched: reason === "unmatched-tsc" ? this.#matched : undefined,
    };
  }

  #reason(hostClock: string, offsetMatched: bigint): MasterClockReason {
    if (hostClock !== "tsc") return "host-clocksource";
    if (offsetMatched === 0n) return "unmatched-tsc";
    if (this.#kvmclock === undefined) return "other";
    return this.#kvmclock === "old" ? "old-kvmclock" : "host-tsc-backwards";
  }
}
