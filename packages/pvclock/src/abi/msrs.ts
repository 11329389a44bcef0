/**
 * The MSRs by which a guest tells KVM where its clock structures lie, and the CPUID bits that offer them.
 *
 * Two pairs of numbers lead to the same two registers. The old ones are in a range Intel owns; a boot vCPU that uses the old
 * system-time MSR keeps its VM out of master-clock mode.
 *
 * Source: `arch/x86/include/uapi/asm/kvm_para.h`, `arch/x86/kvm/x86.c:kvm_set_msr_common`; docs/model/pvclock §1.3.
 */

import { checkBoolean, checkObject, checkU32, checkU64 } from "../argument-checks.js";
import { STEAL_TIME_SIZE } from "./steal-time.js";
import { VCPU_TIME_INFO_SIZE } from "./vcpu-time-info.js";

/** Wall clock, old number. */
export const MSR_KVM_WALL_CLOCK = 0x11;
/** System time, old number. */
export const MSR_KVM_SYSTEM_TIME = 0x12;
/** Wall clock: the guest-physical address of a `pvclock_wall_clock`. One value per VM. */
export const MSR_KVM_WALL_CLOCK_NEW = 0x4b564d00;
/** System time: bit 0 enables, the rest is the address of a `vcpu_time_info`. One value per vCPU. */
export const MSR_KVM_SYSTEM_TIME_NEW = 0x4b564d01;
/** Steal time: bit 0 enables, bits 1 … 5 are reserved, the rest is the address of a `kvm_steal_time`. */
export const MSR_KVM_STEAL_TIME = 0x4b564d03;

/** CPUID leaf whose EAX holds the feature bits below. */
export const KVM_CPUID_FEATURES = 0x40000001;
/** Feature bit number: the old pair of clock MSRs. */
export const KVM_FEATURE_CLOCKSOURCE = 0;
/** Feature bit number: the new pair of clock MSRs. */
export const KVM_FEATURE_CLOCKSOURCE2 = 3;
/** Feature bit number: steal time. */
export const KVM_FEATURE_STEAL_TIME = 5;
/** Feature bit number: `flags` bit 0 of a `vcpu_time_info` may be trusted. */
export const KVM_FEATURE_CLOCKSOURCE_STABLE_BIT = 24;

const ENABLED = 1n;
/** A steal-time area is 64-byte aligned: the bits below are the enable bit and reserved ones. */
const STEAL_RESERVED: bigint = BigInt(STEAL_TIME_SIZE) - 1n - ENABLED;
const PAGE_SIZE = 4096n;

/** What CPUID says of KVM's paravirtual features, and whether the VMM holds the guest to it. */
export interface PvFeatures {
  /** EAX of leaf {@link KVM_CPUID_FEATURES}, u32. */
  readonly eax: number;
  /** Whether an MSR whose feature bit is clear faults (KVM_CAP_ENFORCE_PV_FEATURE_CPUID). By default every one is accepted. */
  readonly enforced: boolean;
}

/** What a guest's WRMSR does. */
export type PvMsrWrite =
  /** #GP; nothing changes. */
  | { readonly result: "fault" }
  /** The value is stored, and read back as written. */
  | {
      readonly result: "stored";
      readonly register: "system-time" | "wall-clock" | "steal-time";
      /** True for an old number (0x11, 0x12). */
      readonly isOldNumber: boolean;
      /** What RDMSR gives from now on, u64. */
      readonly value: bigint;
      /** Guest-physical address of the area to write; undefined when there is none: disabled, or one KVM will not use. */
      readonly areaGpa: bigint | undefined;
    };

interface Register {
  readonly register: "system-time" | "wall-clock" | "steal-time";
  readonly feature: number;
  readonly isOldNumber: boolean;
}

const REGISTERS: ReadonlyMap<number, Register> = new Map([
  [MSR_KVM_WALL_CLOCK, { register: "wall-clock", feature: KVM_FEATURE_CLOCKSOURCE, isOldNumber: true }],
  [MSR_KVM_SYSTEM_TIME, { register: "system-time", feature: KVM_FEATURE_CLOCKSOURCE, isOldNumber: true }],
  [MSR_KVM_WALL_CLOCK_NEW, { register: "wall-clock", feature: KVM_FEATURE_CLOCKSOURCE2, isOldNumber: false }],
  [
    MSR_KVM_SYSTEM_TIME_NEW,
    { register: "system-time", feature: KVM_FEATURE_CLOCKSOURCE2, isOldNumber: false },
  ],
  [MSR_KVM_STEAL_TIME, { register: "steal-time", feature: KVM_FEATURE_STEAL_TIME, isOldNumber: false }],
]);

/**
 * What a write of one of KVM's clock MSRs does.
 *
 * System time: an area that would cross a page is not used, and the guest hears nothing of it; any other alignment works,
 * though 4 bytes are documented. Wall clock: address 0 is stored and writes nothing; there is no enable bit. Steal time: a
 * reserved bit faults, enabled or not.
 *
 * @param features - what the guest was offered.
 * @param msr - 0x11, 0x12, 0x4b564d00, 0x4b564d01 or 0x4b564d03.
 * @param value - EDX:EAX, u64.
 * @returns the value stored and the area it names, or a fault.
 * @throws RangeError for another MSR or a value that is no u64, TypeError for a wrong type.
 * Source: `x86.c:kvm_set_msr_common`, `kvm_write_system_time`; docs/model/pvclock §1.3.
 * @example
 * const features = { eax: 1 << KVM_FEATURE_CLOCKSOURCE2, enforced: true };
 * const write = writePvMsr(features, MSR_KVM_SYSTEM_TIME_NEW, 0x8001n);
 * write.result === "stored" && [write.register, write.value, write.areaGpa] // => [ 'system-time', 32769n, 32768n ]
 * writePvMsr(features, MSR_KVM_SYSTEM_TIME, 0x8001n) // => { result: 'fault' }
 */
export function writePvMsr(features: PvFeatures, msr: number, value: bigint): PvMsrWrite {
  const found = registerOf("writePvMsr", features, msr);
  checkU64("writePvMsr", "value", value);
  const { register, isOldNumber } = found;
  const faults = register === "steal-time" && (value & STEAL_RESERVED) !== 0n;
  if (faults || !isOffered(features, found)) return { result: "fault" };
  return { result: "stored", register, isOldNumber, value, areaGpa: areaOf(register, value) };
}

/**
 * Whether a guest's RDMSR of one of KVM's clock MSRs gives a value; otherwise it is a #GP.
 *
 * @param features - what the guest was offered.
 * @param msr - 0x11, 0x12, 0x4b564d00, 0x4b564d01 or 0x4b564d03.
 * @returns true when the register can be read.
 * @throws RangeError for another MSR, TypeError for a wrong type.
 * Source: `x86.c:kvm_get_msr_common`; docs/model/pvclock §1.3.
 * @example
 * isPvMsrReadable({ eax: 0, enforced: false }, MSR_KVM_WALL_CLOCK) // => true
 * isPvMsrReadable({ eax: 0, enforced: true }, MSR_KVM_WALL_CLOCK) // => false
 */
export function isPvMsrReadable(features: PvFeatures, msr: number): boolean {
  return isOffered(features, registerOf("isPvMsrReadable", features, msr));
}

function registerOf(fn: string, features: PvFeatures, msr: number): Register {
  checkObject(fn, "features", features);
  checkU32(fn, "eax", features.eax);
  checkBoolean(fn, "enforced", features.enforced);
  checkU32(fn, "msr", msr);
  const found = REGISTERS.get(msr);
  if (found === undefined) {
    throw new RangeError(`${fn}: expected msr to be a KVM clock MSR, got 0x${msr.toString(16)}`);
  }
  return found;
}

function isOffered(features: PvFeatures, { feature }: Register): boolean {
  return !features.enforced || ((features.eax >>> feature) & 1) === 1;
}

function areaOf(register: Register["register"], value: bigint): bigint | undefined {
  if (register === "wall-clock") return value === 0n ? undefined : value;
  if ((value & ENABLED) === 0n) return undefined;
  const gpa = value & ~ENABLED;
  const fitsPage = (gpa % PAGE_SIZE) + BigInt(VCPU_TIME_INFO_SIZE) <= PAGE_SIZE;
  return register === "steal-time" || fitsPage ? gpa : undefined;
}
