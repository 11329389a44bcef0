import type { GuestTsc, HostTsc } from "./time-types.js";

/**
 * What a device needs to know of its vCPU's time-stamp counter. {@link VcpuTsc} implements it; an emulator without
 * scaling implements it in four lines.
 */
export interface VcpuTscView {
  /** The guest's L1 TSC at host TSC `tsc`: `l1Offset + scaleTsc(tsc, l1Ratio)` mod 2^64 (`kvm_read_l1_tsc`). */
  readL1(tsc: HostTsc): GuestTsc;
  /** Guest cycles in `ns` nanoseconds at `virtualTscKhz` (`nsec_to_cycles`): u64 in, u64 out, truncating. */
  nsToCycles(ns: bigint): bigint;
  /** The frequency user space asked for, in kHz; 0 until it is set (`virtual_tsc_khz`). */
  readonly virtualTscKhz: number;
  /** Fixed-point host-to-guest multiplier with {@link fractionBits} fraction bits. */
  readonly l1Ratio: bigint;
  /** 48 on VMX, 32 on SVM. */
  readonly fractionBits: 48 | 32;
}
