import { checkU64 } from "../argument-checks.js";
import type { TscFractionBits } from "./tsc-ratio.js";
import type { VcpuTsc } from "./vcpu-tsc.js";

const ENXIO = 6;

/** What the hardware multiplies a vCPU's counter by, as user space would be told it. */
export interface TscScaleAttribute {
  /** L1's ratio, u64 fixed point (`tsc_ratio`). */
  readonly tscRatio: bigint;
  /** Its fraction bits: 48 on VMX, 32 on SVM (`tsc_frac_bits`). */
  readonly tscFracBits: TscFractionBits;
}

/**
 * Gets `KVM_VCPU_TSC_SCALE`, proposed: without it user space knows a vCPU's ratio only to what it makes of the two
 * frequencies, and cannot carry a scaled counter to another host to the cycle.
 *
 * @param vcpu - the vCPU's counter.
 * @returns ratio and fraction bits, or −6 (−ENXIO) without scaling hardware.
 * @throws TypeError or RangeError unless the counter's ratio is a u64.
 * Source: "Cleaning up the KVM clock mess"; docs/model/pvclock §10 (`tscScaleAttr`).
 * @example
 * const vcpu = new VcpuTsc({ hostTscKhz: 3_000_000, userTscKhz: 2_500_000, vendor: "svm" });
 * getTscScale(vcpu) // => { tscRatio: 3579139413n, tscFracBits: 32 }
 */
export function getTscScale(
  vcpu: Pick<VcpuTsc, "hasTscScaling" | "l1Ratio" | "fractionBits">,
): TscScaleAttribute | number {
  checkU64("getTscScale", "l1Ratio", vcpu.l1Ratio);
  if (!vcpu.hasTscScaling) return -ENXIO;
  return { tscRatio: vcpu.l1Ratio, tscFracBits: vcpu.fractionBits };
}
