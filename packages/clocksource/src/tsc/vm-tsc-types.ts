/** What a {@link VmTsc} is made from, what it asks for, and what it saves. */

import type { ClocksourceBehaviours } from "../behaviours.js";
import type { HostTsc } from "../time-types.js";
import type { HostTscHealth } from "./host-tsc-health.js";
import type { TscVendor } from "./tsc-ratio.js";
import type { VcpuTsc } from "./vcpu-tsc.js";
import type { VcpuTscState } from "./vcpu-tsc-types.js";

/**
 * When a TSC value written by user space is taken as "meant to be in step": `1s-slop`, any value within a second of where
 * the last write would be by now (up to 6.6); `first-write-wins`, the same, but never against the values of vCPU creation
 * (bf328e22e472, 6.7).
 */
export type UserTsc = ClocksourceBehaviours["userTsc"];

/**
 * When a synchronisation asks for a new master-clock reference: `always` when master clock is on or about to be (up to
 * 6.6); `on-change` only when it turns on or off or a new generation starts (c52ffadc65e2, 6.7).
 */
export type VcpuAddRefresh = ClocksourceBehaviours["vcpuAddRefresh"];

/**
 * What `KVM_SET_TSC_KHZ` on a vCPU does to the value its counter shows: it `jumps` with the ratio, in every release; or
 * the counter is read before and written after it, so that it goes on (`resync`, proposed).
 */
export type TscKhzChange = ClocksourceBehaviours["tscKhzChange"];

/** How the synchronisation reads the host. Every call is a separate sample. */
export interface TscSyncClock {
  /** The host TSC now (`rdtsc`). */
  tsc(): HostTsc;
  /** The host clock behind kvmclock: CLOCK_MONOTONIC_RAW plus the boot offset, ns, u64 (`get_kvmclock_base_ns`). */
  kvmclockBaseNs(): bigint;
}

/** What a VM's TSC state asks of its surroundings. Everything is optional. */
export interface VmTscEvents {
  /** KVM_REQ_CLOCK_UPDATE for one vCPU. */
  onClockUpdate?(vcpu: VcpuTsc): void;
  /** KVM_REQ_GLOBAL_CLOCK_UPDATE, made by one vCPU. */
  onGlobalClockUpdate?(vcpu: VcpuTsc): void;
  /** KVM_REQ_MASTERCLOCK_UPDATE, made by one vCPU. */
  onMasterClockUpdate?(vcpu: VcpuTsc): void;
  /** A preemption timer in use must be computed anew. */
  onRestartHvTimer?(vcpu: VcpuTsc): void;
  /** KVM_REQ_MIGRATE_TIMER: the vCPU's timers belong on another CPU. */
  onMigrateTimer?(vcpu: VcpuTsc): void;
  /** A vCPU saw the host's counter go backwards; the host's {@link HostTscHealth} is now unstable. */
  onHostTscUnstable?(vcpu: VcpuTsc): void;
  /** A vCPU's L1 ratio was written. */
  onRatioWritten?(vcpu: VcpuTsc, ratio: bigint): void;
  /** A vCPU's L1 offset was written: what it was before (`kvm_write_tsc_offset`). */
  onOffsetWritten?(vcpu: VcpuTsc, from: bigint): void;
  /** A synchronisation of one vCPU looked which counters are in step (`kvm_track_tsc`), and asked for what follows from it. */
  onTscTracked?(vcpu: VcpuTsc): void;
}

/** What a VM's TSC state is made from. */
export interface VmTscOptions {
  /** The host's calibrated TSC frequency in kHz, 1 … 2^32−1 (`tsc_khz`). */
  readonly hostTscKhz: number;
  readonly vendor: TscVendor;
  /** Whether the hardware can scale. Default true. */
  readonly hasTscScaling?: boolean;
  /** `tsc_tolerance_ppm`, u32. Default 250. */
  readonly tolerancePpm?: number;
  /** Frequency of vCPUs created from now on, kHz, u32 (`default_tsc_khz`). Default: the host's. */
  readonly defaultTscKhz?: number;
  readonly userTsc: UserTsc;
  readonly vcpuAddRefresh: VcpuAddRefresh;
  /** Default `jumps`. */
  readonly tscKhzChange?: TscKhzChange;
  readonly clock: TscSyncClock;
  readonly health: HostTscHealth;
  readonly events?: VmTscEvents;
}

/** The surroundings a saved {@link VmTsc} is put back into. */
export interface VmTscSurroundings {
  readonly clock: TscSyncClock;
  readonly health: HostTscHealth;
  readonly events?: VmTscEvents;
}

/** A write of a TSC: host clock at the write, value, and the offset it gave. */
export interface TscWrite {
  readonly ns: bigint;
  readonly write: bigint;
  readonly offset: bigint;
}

/** A {@link TscWrite} as plain JSON. */
export interface TscWriteState {
  readonly ns: string;
  readonly write: string;
  readonly offset: string;
}

/** A {@link VmTsc} as plain JSON; u64 are decimal strings. */
export interface VmTscState {
  readonly hostTscKhz: number;
  readonly vendor: TscVendor;
  readonly hasTscScaling: boolean;
  readonly tolerancePpm: number;
  readonly defaultTscKhz: number;
  readonly userTsc: UserTsc;
  readonly vcpuAddRefresh: VcpuAddRefresh;
  readonly tscKhzChange: TscKhzChange;
  readonly useMasterClock: boolean;
  readonly userSetTsc: boolean;
  readonly backwardsTscObserved: boolean;
  readonly nrVcpusMatched: number;
  readonly generationNumber: string;
  readonly last: TscWriteState;
  readonly lastTscKhz: number;
  readonly current: TscWriteState;
  readonly vcpus: readonly VcpuTscState[];
}
