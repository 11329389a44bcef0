import {
  type BoottimeNs,
  type ClockCopyReading,
  type HostTsc,
  type KvmClockCopy,
  type MonotonicRawNs,
  type RealtimeNs,
  readKvmclockBase,
  readMonotonic,
} from "@chronovisor/clocksource";
import { checkObject, checkOneOf } from "../argument-checks.js";
import { PVCLOCK_BEHAVIOURS, type PvclockBehaviours } from "./behaviours.js";

const U = BigInt.asUintN;

/**
 * How a VM's clock reads its host. Every call is a sample of its own; what KVM derives from ONE counter read it derives
 * from {@link copy}. A `Timekeeper` gives all but the two TSC members.
 */
export interface KvmclockHost {
  /** The host TSC now (`rdtsc`), on whatever CPU this runs. */
  tsc(): HostTsc;
  /** Frequency of this CPU's TSC, kHz, u32 (`tsc_khz`; without CONSTANT_TSC `cpu_tsc_khz`, 0 while the CPU goes offline). */
  tscKhz(): number;
  /** CLOCK_MONOTONIC_RAW now, ns. */
  rawNs(): MonotonicRawNs;
  /** CLOCK_BOOTTIME now, ns. */
  boottimeNs(): BoottimeNs;
  /** CLOCK_REALTIME now, ns since 1970. */
  realtimeNs(): RealtimeNs;
  /** KVM's copy of the host's timekeeper (`pvclock_gtod_data`). */
  copy(): KvmClockCopy;
}

/** Values of the axis `base`. */
export type PvclockBase = PvclockBehaviours["base"];

/**
 * The host clock behind kvmclock, read now: RAW plus the copy's boot offset (`raw`, from 5.6), or CLOCK_BOOTTIME (`boot`,
 * and `mixed`, where only the master clock's reference was RAW; 32-bit hosts still).
 *
 * This is the timekeeper's own reading, protected against overflow, unlike the reference of a master clock.
 *
 * @param host - read once.
 * @param base - value of the behaviour axis.
 * @returns ns, u64 bit pattern of an s64.
 * @throws TypeError or RangeError for an argument outside its domain.
 * Source: `arch/x86/kvm/x86.c:get_kvmclock_base_ns`; docs/model/pvclock §2.
 * @example
 * const still = { vclockMode: "tsc", cycleLast: 0n, mask: 2n ** 64n - 1n, mult: 1, shift: 0, baseCycles: 0n } as const;
 * const clock = { ...still, offset: 0n };
 * const copy = { mono: clock, raw: clock, offsBootNs: 40n, wallTimeSec: 0n };
 * const readings = { rawNs: () => 1000n, boottimeNs: () => 1041n, realtimeNs: () => 0n, tsc: () => 7n };
 * const host = { ...readings, tscKhz: () => 1_000_000, copy: () => copy } as unknown as KvmclockHost;
 * [kvmclockBaseNs(host, "raw"), kvmclockBaseNs(host, "boot")] // => [ 1040n, 1041n ]
 */
export function kvmclockBaseNs(host: KvmclockHost, base: PvclockBase): bigint {
  checkObject("kvmclockBaseNs", "host", host);
  checkOneOf("kvmclockBaseNs", "base", base, PVCLOCK_BEHAVIOURS.base);
  if (base === "raw") return U(64, host.rawNs() + host.copy().offsBootNs);
  return U(64, host.boottimeNs());
}

/**
 * Base and TSC from one counter read, for the master clock's reference (`kvm_get_time_and_clockread`): undefined when the
 * host's clock is not TSC-based. Unprotected: {@link ClockCopyReading.wrapped}.
 */
export function readReference(host: KvmclockHost, base: PvclockBase): ClockCopyReading | undefined {
  const copy = host.copy();
  if (base !== "boot") return readKvmclockBase(copy, host.tsc());
  const reading = readMonotonic(copy, host.tsc());
  return reading && { ...reading, ns: U(64, reading.ns + copy.offsBootNs) };
}
