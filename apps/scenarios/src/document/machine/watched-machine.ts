import type { DocumentMachine } from "../../machine/document-machine.js";
import type { Vcpu } from "../../machine/vcpu/vcpu.js";
import type { VcpuClocks } from "../../machine/vcpu/vcpu-clocks.js";
import type { GuestLog } from "../../programs/guest-log.js";
import type { TickWatch } from "./tick-watch.js";

/** A machine that runs. */
export interface WatchedMachine extends DocumentMachine {
  readonly vcpus: readonly WatchedVcpu[];
}

/** A vCPU of it, and what is known of its guest. */
export interface WatchedVcpu {
  readonly vcpu: Vcpu;
  readonly clocks: VcpuClocks;
  readonly ticks: TickWatch;
  readonly log: GuestLog;
  /** Period of the timer its program sets, ns; undefined where it sets no periodic one. */
  readonly periodNs: bigint | undefined;
  /** Frequency of its TSC as the VM was given it, Hz. */
  readonly tscHz: bigint;
  /** What its TSC read at the start. */
  readonly startTsc: bigint;
}
