/** What a {@link VmKvmclock} is made from, what it asks for, and what it saves. */

import type { CatchupDelta, GuestTsc, HostTsc, TimeScale, VcpuTscView } from "@chronovisor/clocksource";
import type { PvFeatures } from "../abi/msrs.js";
import type { VcpuTimeInfo } from "../abi/vcpu-time-info.js";
import type { PvclockBehaviours } from "./behaviours.js";
import type { ScaledCounter } from "./clock-scale.js";
import type { LoadRateLimitState } from "./global-update.js";
import type { GuestMemory } from "./guest-memory.js";
import type { KvmclockHost } from "./kvmclock-host.js";
import type { KvmclockNotifier } from "./kvmclock-notifier.js";
import type { PvclockArea, PvclockAreasState } from "./pvclock-areas.js";
import type { VcpuKvmclock } from "./vcpu-kvmclock.js";
import type { KvmclockRequest } from "./vcpu-requests.js";

/** A vCPU's counter as its clock sees it. `VcpuTsc` has all of it; what is optional is then not done. */
export interface KvmclockVcpuTsc extends VcpuTscView, ScaledCounter {
  /** Software catch-up: moves a counter that is behind, and says what the timestamp becomes. */
  catchUp?(kernelNs: bigint, timestamp: GuestTsc, delta: CatchupDelta): GuestTsc;
  /** Records the guest TSC of a clock update (`last_guest_tsc`). */
  noteGuestTsc?(guest: GuestTsc): void;
  /** Whether every VM exit asks for a clock update (`tsc_always_catchup`). */
  readonly alwaysCatchup?: boolean;
}

/** A VM's counters as the master clock sees them. `VmTsc` has all of it. */
export interface KvmclockVmTsc {
  /** Every vCPU there is. */
  readonly vcpus: readonly KvmclockVcpuTsc[];
  /** vCPUs that joined the present generation, its founder not counted (`nr_vcpus_matched_tsc`). */
  readonly nrVcpusMatched: number;
  /** Whether the host's counter ever fell back: no master clock from then on. */
  readonly backwardsTscObserved: boolean;
  /** Set at every update of the master clock; what a TSC write asks for depends on it. */
  useMasterClock: boolean;
}

/** A master clock's reference point: a host TSC and the host clock at it. */
export interface MasterClockReference {
  /** Whether the VM runs on it (`use_master_clock`). */
  readonly useMasterClock: boolean;
  /** `master_cycle_now`. */
  readonly hostTsc: HostTsc;
  /** The host clock behind kvmclock at {@link hostTsc}, ns, u64 (`master_kernel_ns`). */
  readonly kernelNs: bigint;
}

/** An update of the master clock that was just done. */
export interface MasterClockUpdate extends MasterClockReference {
  /** Whether the host could read time and TSC together; if not, the reference is the old one. */
  readonly isSampled: boolean;
  /** Whether that reading WRAPPED: the host's timekeeper slept too long, and the reference is far in the past. */
  readonly isWrapped: boolean;
}

/** What a VM's clock tells and asks. Everything is optional; nothing runs unless its owner runs it. */
export interface VmKvmclockEvents {
  /** A request that was not pending is now. {@link VcpuKvmclock.serviceRequests} services it, before the next entry. */
  onRequest?(vcpu: VcpuKvmclock, request: KvmclockRequest): void;
  /** A vCPU in guest mode must leave it, a halted one look at its requests. */
  onKick?(vcpu: VcpuKvmclock): void;
  /** A new reference, or none: no vCPU may be in guest mode from before this until its clock update. */
  onMasterClockUpdate?(update: MasterClockUpdate): void;
  /** {@link VmKvmclock.runGlobalUpdate} is to be called in so many ns. Not told again while it is queued. */
  onGlobalUpdateQueued?(delayNs: bigint): void;
  /** {@link VmKvmclock.runPeriodicSync} is to be called in so many ns. */
  onPeriodicSyncQueued?(delayNs: bigint): void;
  /** A vCPU's clock was computed and its areas written. `info` is the cached structure. */
  onClockUpdate?(vcpu: VcpuKvmclock, info: VcpuTimeInfo): void;
  /** An active area was not mapped: the update of it was dropped. */
  onAreaDropped?(vcpu: VcpuKvmclock, area: PvclockArea): void;
  /** A reading of CLOCK_REALTIME from KVM's copy WRAPPED: the host's timekeeper slept too long, and it is far too early. */
  onCopyWrapped?(): void;
  /** A vCPU's frequency changed, Hz (Xen's CPUID leaf carries it; docs/model/pvclock §5.2). */
  onScale?(vcpu: VcpuKvmclock, scale: TimeScale, hz: bigint): void;
}

/** The surroundings a VM's clock lives in. */
export interface VmKvmclockSurroundings {
  /** What CPUID offers the guest, and whether it is held to it. Default: every clock MSR is accepted. */
  readonly features?: PvFeatures;
  readonly host: KvmclockHost;
  readonly memory: GuestMemory;
  readonly tsc: KvmclockVmTsc;
  /** The host's notifier, when a change of its clocksource is to reach the VM. */
  readonly notifier?: KvmclockNotifier;
  readonly events?: VmKvmclockEvents;
}

/** What a VM's clock is made from. */
export interface VmKvmclockOptions extends VmKvmclockSurroundings {
  /** Default: the newest kernel's. */
  readonly behaviours?: PvclockBehaviours;
  /** Clears TSC_STABLE in Xen's areas (`KVM_XEN_HVM_CONFIG_PVCLOCK_TSC_UNSTABLE`). Default false. */
  readonly hideTscStableFromXen?: boolean;
}

/** A {@link VcpuKvmclock} as plain JSON; u64 are decimal strings. */
export interface VcpuKvmclockState {
  readonly id: number;
  /** The frequency the scale was made from, Hz. */
  readonly hz: string;
  readonly scale: TimeScale;
  readonly cached: {
    readonly version: number;
    readonly tscTimestamp: string;
    readonly systemTime: string;
    readonly flags: number;
    readonly tscToSystemMul: number;
    readonly tscShift: number;
  };
  readonly areas: PvclockAreasState;
  readonly systemTimeMsr: string;
  readonly guestStopped: boolean;
  readonly requests: readonly KvmclockRequest[];
}

/** A {@link VmKvmclock} as plain JSON; 64-bit quantities are decimal strings. */
export interface VmKvmclockState {
  readonly behaviours: PvclockBehaviours;
  readonly hideTscStableFromXen: boolean;
  readonly useMasterClock: boolean;
  readonly isTscStable: boolean;
  readonly masterCycleNow: string;
  readonly masterKernelNs: string;
  /** s64. */
  readonly kvmclockOffset: string;
  readonly bootVcpuRunsOldKvmclock: boolean;
  readonly wallClockMsr: string;
  readonly globalUpdateQueued: boolean;
  readonly loadRateLimit: LoadRateLimitState;
  readonly vcpus: readonly VcpuKvmclockState[];
}
