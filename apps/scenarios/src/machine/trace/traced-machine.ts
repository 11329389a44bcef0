import type { HostTsc, VmTsc } from "@chronovisor/clocksource";
import type { ReferenceTscClock, VmKvmclock } from "@chronovisor/pvclock";
import type { Timekeeper } from "@chronovisor/timekeeper";
import type { TraceSink } from "@chronovisor/trace";
import type { Engine } from "../engine/engine.js";
import type { FlatMemory } from "../guest/guest-memory.js";

/** What a trace reads of a host. */
export interface TracedHost {
  readonly engine: Pick<Engine, "now" | "settled" | "freeFrom" | "lookAt" | "onAdvance">;
  readonly clock: {
    readonly isDrivenByTsc: boolean;
    readonly timekeeper: Pick<Timekeeper, "monotonicNs" | "rawNs" | "offsets" | "rate">;
  };
  readonly startTsc: HostTsc;
  /** Host TSC so many ns of true time after the start. */
  tscAt(ns: bigint): HostTsc;
  /** ns of true time from the start. */
  trueNs(tsc: HostTsc): bigint;
}

/** What a trace reads of a VM. */
export interface TracedVm {
  readonly kvm: {
    readonly health: { readonly clocksourceIsTscBased: boolean };
    tscKhz(): number;
  };
  readonly memory: Pick<FlatMemory, "map">;
  readonly counters: Pick<VmTsc, "vcpus" | "useMasterClock" | "nrVcpusMatched">;
  readonly clock: Pick<VmKvmclock, "reference" | "behaviours" | "kvmclockOffset" | "baseNs">;
  readonly hypervPage: Pick<ReferenceTscClock, "msr">;
}

/** What a trace reads of a vCPU's thread. */
export interface TracedThread {
  readonly id: number;
  readonly now: HostTsc;
}

/** Where one part of a machine tells what it does, and the instant of what is told now. */
export interface Teller extends TraceSink {
  readonly now: HostTsc;
}
