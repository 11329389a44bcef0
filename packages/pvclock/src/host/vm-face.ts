import type { HostTsc, KvmclockNs } from "@chronovisor/clocksource";
import type { PvFeatures } from "../abi/msrs.js";
import type { PvclockBehaviours } from "./behaviours.js";
import type { KvmclockHost } from "./kvmclock-host.js";
import type { MasterClockReference, VmKvmclockEvents } from "./kvmclock-types.js";
import type { PublishRules } from "./pvclock-areas.js";
import type { VcpuKvmclock } from "./vcpu-kvmclock.js";
import type { GlobalUpdateSource } from "./vcpu-requests.js";

/** What a vCPU's clock needs of its VM. `VmKvmclock` makes one for its vCPUs; nobody else sees it. */
export interface KvmclockVm extends PublishRules {
  readonly behaviours: PvclockBehaviours;
  readonly features: PvFeatures;
  readonly host: KvmclockHost;
  readonly events: VmKvmclockEvents;
  /** s64 (`kvmclock_offset`). */
  readonly kvmclockOffset: bigint;
  /** Whether TSC_STABLE is published. */
  readonly isTscStable: boolean;
  readonly wallClockMsr: bigint;
  /** The master clock's reference, or without one two samples of the host, one after the other. */
  referenceNow(): MasterClockReference;
  /** The guest's clock as the host computes it, at a host TSC. */
  kvmclockAt(tsc: HostTsc): KvmclockNs;
  updateMasterClock(): void;
  requestGlobalUpdate(vcpu: VcpuKvmclock, source: GlobalUpdateSource): void;
  /** The vCPU's own clock update at once, the others' by the work. */
  spreadClockUpdate(vcpu: VcpuKvmclock): void;
  /** The boot vCPU wrote one of the two system-time MSRs. */
  chooseFlavour(vcpu: VcpuKvmclock, isOldNumber: boolean): void;
  writeWallClock(value: bigint, areaGpa: bigint | undefined): void;
}
