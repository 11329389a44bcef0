import type { TraceTextRecord } from "@chronovisor/trace";
import { numberOf } from "./record-values.js";
import { Tally, type TallySummary } from "./tally.js";

/** A change of a vCPU's TSC offset; cycles, signed. */
export interface OffsetChange {
  readonly time: bigint;
  readonly from: bigint;
  readonly to: bigint;
}

/** What a log says of one vCPU's TSC offset. */
export interface OffsetFindings {
  readonly writes: number;
  /** Cycles, signed: the guest's TSC less the host's. */
  readonly current: bigint | undefined;
  /** The last three writes that changed it. */
  readonly changes: readonly OffsetChange[];
  /**
   * Cycles by which the guest's TSC was moved while its kvmclock stayed: forward is positive. A new vCPU's first offset is none, and
   * neither is one that comes with a jump of its kvmclock, as over a host's suspend.
   */
  readonly moves: TallySummary;
}

const KEPT = 3;

/** Follows `kvm_write_tsc_offset` of one vCPU. */
export class OffsetWatch {
  #writes = 0;
  #current: bigint | undefined;
  #changes: OffsetChange[] = [];
  /** Since the last update of its kvmclock, which will tell whether that jumped too. */
  #pending: OffsetChange[] = [];
  readonly #moves = new Tally();

  /** @param vcpu - whether the log has an entry of it before. */
  written(record: TraceTextRecord, vcpu: "new" | "has run"): OffsetChange | undefined {
    const from = BigInt.asIntN(64, numberOf(record, "previousTscOffset"));
    const to = BigInt.asIntN(64, numberOf(record, "nextTscOffset"));
    this.#writes += 1;
    this.#current = to;
    if (from === to) return undefined;
    const change = { time: record.time, from, to };
    this.#changes = [...this.#changes, change].slice(-KEPT);
    if (from !== 0n || vcpu === "has run") this.#pending = [...this.#pending, change].slice(-KEPT);
    return change;
  }

  /** Its kvmclock was updated, and moved by so many ns. */
  clockUpdated(jumpNs: bigint): void {
    // ±1 ns is the rounding of the two ways to the same reading.
    if (jumpNs >= -1n && jumpNs <= 1n) this.#settle();
    this.#pending = [];
  }

  findings(): OffsetFindings {
    this.#settle();
    this.#pending = [];
    return {
      writes: this.#writes,
      current: this.#current,
      changes: this.#changes,
      moves: this.#moves.summary(),
    };
  }

  #settle(): void {
    for (const { time, from, to } of this.#pending) this.#moves.add(time, BigInt.asIntN(64, to - from));
  }
}
