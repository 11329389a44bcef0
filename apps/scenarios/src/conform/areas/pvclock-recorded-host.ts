import {
  type ClockCopy,
  type HostTsc,
  hostTsc,
  type KvmClockCopy,
  type MonotonicRawNs,
  monotonicRawNs,
  type RealtimeNs,
  ScaledTsc,
} from "@chronovisor/clocksource";
import type { GuestMemory, KvmclockHost, KvmclockVcpuTsc, KvmclockVmTsc } from "@chronovisor/pvclock";
import { type ClockBases, readClocks } from "@chronovisor/timekeeper";

const U64_MASK = 2n ** 64n - 1n;

/** A host clock of a row: `raw` and `mono` share counter and shift. */
export interface ClockColumns {
  readonly cycleLast: bigint;
  readonly shift: number;
  readonly raw: ClockBases["raw"];
  readonly mono: ClockBases["mono"];
  readonly offsBootNs: bigint;
  readonly wallTimeSec: bigint;
}

/** A host that stands where a row puts it. */
export class RecordedHost implements KvmclockHost {
  now: HostTsc = hostTsc(0n);
  readonly #khz: number;
  readonly #clocks: ClockColumns;

  constructor(khz: number, clocks: ClockColumns) {
    this.#khz = khz;
    this.#clocks = clocks;
  }

  tsc(): HostTsc {
    return this.now;
  }
  tscKhz(): number {
    return this.#khz;
  }
  rawNs(): MonotonicRawNs {
    return monotonicRawNs(this.#read().rawNs);
  }
  boottimeNs(): ReturnType<KvmclockHost["boottimeNs"]> {
    return this.#read().boottimeNs as ReturnType<KvmclockHost["boottimeNs"]>;
  }
  realtimeNs(): RealtimeNs {
    return this.#read().realtimeNs as RealtimeNs;
  }
  copy(): KvmClockCopy {
    const { raw, mono, offsBootNs, wallTimeSec } = this.#clocks;
    return { mono: this.#copyOf(mono), raw: this.#copyOf(raw), offsBootNs, wallTimeSec };
  }

  /** The timekeeper's own reading: with a `max_cycles` of 0 it always takes the wide way, which is the exact one. */
  #read(): ReturnType<typeof readClocks> {
    const bases = { ...this.#clocks, mask: U64_MASK, maxCycles: 0n, offsRealNs: 0n };
    return readClocks(bases, this.now, "safe");
  }

  #copyOf({ mult, xtimeNsec, baseNs }: ClockBases["raw"]): ClockCopy {
    const { cycleLast, shift } = this.#clocks;
    const counter = { vclockMode: "tsc", cycleLast, mask: U64_MASK } as const;
    return { ...counter, mult, shift, baseCycles: xtimeNsec, offset: baseNs };
  }
}

/** What a row says of a vCPU's counter. */
export interface CounterColumns {
  readonly fractionBits: 48 | 32;
  readonly ratio: bigint;
  /** u64 bit pattern. */
  readonly l1Offset: bigint;
  readonly hasTscScaling: boolean;
}

/** The vCPU's counter of a row. */
export function recordedCounter(columns: CounterColumns): KvmclockVcpuTsc {
  const scaled = new ScaledTsc(columns.fractionBits === 48 ? "vmx" : "svm", columns.l1Offset);
  scaled.writeL1Ratio(columns.ratio);
  return {
    readL1: (tsc) => scaled.readL1(tsc),
    nsToCycles: (ns) => scaled.nsToCycles(ns),
    virtualTscKhz: 0,
    l1Ratio: scaled.l1Ratio,
    fractionBits: scaled.fractionBits,
    hasTscScaling: columns.hasTscScaling,
  };
}

/** Counters that all run in step. */
export const inStep = (...vcpus: KvmclockVcpuTsc[]): KvmclockVmTsc => ({
  vcpus,
  nrVcpusMatched: vcpus.length - 1,
  backwardsTscObserved: false,
  useMasterClock: false,
});

/** One area of guest memory, wherever it is asked for. */
export const singleArea = (bytes: Uint8Array): GuestMemory => ({
  map: (_address, length) => (length === bytes.length ? bytes : undefined),
});
