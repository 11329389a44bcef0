/** What a {@link VcpuTsc} is made from, what it asks for, and what it saves. */

import type { ComposedTscState } from "./composed-tsc.js";
import type { ScaledTscState, TscStart } from "./scaled-tsc.js";
import type { TscVendor } from "./tsc-ratio.js";
import type { VcpuTsc } from "./vcpu-tsc.js";

/** What a vCPU's counter asks of its surroundings. Everything is optional; nothing happens where nothing is given. */
export interface VcpuTscEvents {
  /** KVM_REQ_CLOCK_UPDATE: the published pvclock of this vCPU is stale. */
  onClockUpdate?(vcpu: VcpuTsc): void;
  /** The L1 ratio was written (with scaling hardware, so was the hardware). */
  onRatioWritten?(vcpu: VcpuTsc, ratio: bigint): void;
  /** The L1 offset was written: what it was before (`kvm_write_tsc_offset`). */
  onOffsetWritten?(vcpu: VcpuTsc, from: bigint): void;
}

/** The start of a TSC generation: the write all matching counters are measured from. */
export interface TscGeneration extends TscStart {
  /** Which generation; 0 is none yet (`this_tsc_generation`). */
  readonly number: bigint;
}

/** What a vCPU's counter is made from. */
export interface VcpuTscOptions {
  /** The host's calibrated TSC frequency in kHz, 1 … 2^32−1 (`tsc_khz`). */
  readonly hostTscKhz: number;
  /** The frequency asked for at creation, in kHz; 0 leaves it unset. Default: the host's. */
  readonly userTscKhz?: number;
  /** Whose scaling hardware. */
  readonly vendor: TscVendor;
  /** Whether the hardware can scale. Default true. */
  readonly hasTscScaling?: boolean;
  /** The window around the host's frequency inside which nothing is scaled, ppm, u32 (`tsc_tolerance_ppm`). Default 250. */
  readonly tolerancePpm?: number;
  /** The first L1 offset, u64. Default 0. */
  readonly l1Offset?: bigint;
  /** Whether the guest's CPUID advertises IA32_TSC_ADJUST. Default true. */
  readonly hasTscAdjust?: boolean;
  readonly events?: VcpuTscEvents;
}

/** A {@link VcpuTsc} as plain JSON; u64 and s64 are decimal strings. */
export interface VcpuTscState extends ScaledTscState, ComposedTscState {
  readonly hostTscKhz: number;
  readonly hasTscScaling: boolean;
  readonly hasTscAdjust: boolean;
  readonly tolerancePpm: number;
  readonly virtualTscKhz: number;
  readonly catchup: boolean;
  readonly alwaysCatchup: boolean;
  readonly cpu: number;
  readonly tscAdjust: string;
  readonly lastGuestTsc: string;
  readonly lastHostTsc: string;
  readonly offsetAdjustment: string;
  readonly generation: { readonly number: string; readonly ns: string; readonly write: string };
}
