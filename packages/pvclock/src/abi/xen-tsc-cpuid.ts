import type { TimeScale } from "@chronovisor/clocksource";
import { checkInteger, checkObject, checkU32, checkU64 } from "../argument-checks.js";

const HZ_PER_KHZ = 1000n;

/** What KVM writes into the two subleaves of a Xen guest's CPUID that speak of its TSC; all u32. */
export interface XenTscCpuid {
  /** Subleaf 1: the scale of its clock. */
  readonly subleaf1: { readonly ecx: number; readonly edx: number };
  /** Subleaf 2: the TSC's frequency. */
  readonly subleaf2: { readonly eax: number };
}

/**
 * The registers of a Xen guest's CPUID leaf base + 3 that KVM keeps up to date, where the VMM has put that leaf: subleaf 1 has
 * the multiplier in ECX and the shift, sign-extended, in EDX; subleaf 2 the frequency in kHz in EAX.
 *
 * A VM's clock tells scale and frequency by its event `onScale`.
 *
 * @param scale - the scale a vCPU's clock is published with: u32 multiplier, s8 shift.
 * @param hz - the frequency it was made from, u64; floored to kHz, WRAPPED at 32 bits.
 * @returns the registers.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `arch/x86/kvm/xen.c:kvm_xen_update_tsc_info`; docs/model/pvclock §5.2.
 * @example
 * const { subleaf1, subleaf2 } = xenTscCpuid({ mul: 3435975211, shift: -1 }, 2_499_999_000n);
 * [subleaf1.ecx, subleaf1.edx, subleaf2.eax] // => [ 3435975211, 4294967295, 2499999 ]
 */
export function xenTscCpuid(scale: TimeScale, hz: bigint): XenTscCpuid {
  checkObject("xenTscCpuid", "scale", scale);
  checkU32("xenTscCpuid", "mul", scale.mul);
  checkInteger("xenTscCpuid", "shift", scale.shift, -128, 127);
  checkU64("xenTscCpuid", "hz", hz);
  return {
    subleaf1: { ecx: scale.mul, edx: scale.shift >>> 0 },
    subleaf2: { eax: Number(BigInt.asUintN(32, hz / HZ_PER_KHZ)) },
  };
}
