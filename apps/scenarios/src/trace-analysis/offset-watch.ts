import type { TraceTextRecord } from "@chronovisor/trace";
import { numberOf } from "./record-values.js";

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
}

const KEPT = 3;

/** Follows `kvm_write_tsc_offset` of one vCPU. */
export class OffsetWatch {
  #writes = 0;
  #current: bigint | undefined;
  #changes: OffsetChange[] = [];

  written(record: TraceTextRecord): OffsetChange | undefined {
    const from = BigInt.asIntN(64, numberOf(record, "previousTscOffset"));
    const to = BigInt.asIntN(64, numberOf(record, "nextTscOffset"));
    this.#writes += 1;
    this.#current = to;
    if (from === to) return undefined;
    const change = { time: record.time, from, to };
    this.#changes = [...this.#changes, change].slice(-KEPT);
    return change;
  }

  findings(): OffsetFindings {
    return { writes: this.#writes, current: this.#current, changes: this.#changes };
  }
}
