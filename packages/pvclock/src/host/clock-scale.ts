/**
 * The rates at which KVM believes the two counters run, and the scales it makes from them. That they are made on different
 * ways is why the host's idea of a guest's clock and the guest's own drift apart: the guest's frequency is scaled in whole kHz
 * and floored, so an inexact ratio costs it a kHz, 0.4 ppm at 2.5 GHz.
 *
 * Source: `arch/x86/kvm/x86.c:kvm_guest_time_update`, `__get_kvmclock`; docs/model/pvclock §5.2, §6.
 */

import { getTimeScale, scaleTsc, type TimeScale, type VcpuTscView } from "@chronovisor/clocksource";
import { checkOneOf, checkU32 } from "../argument-checks.js";
import { PVCLOCK_BEHAVIOURS, type PvclockBehaviours } from "./behaviours.js";

const NSEC_PER_SEC = 1_000_000_000n;
const HZ_PER_KHZ = 1000n;

/** Values of the axis `guestKhz`. */
export type GuestFrequencyUnit = PvclockBehaviours["guestKhz"];

/** What a guest's frequency is derived from: ratio and width of its counter, and whether the hardware can scale. */
export interface ScaledCounter extends Pick<VcpuTscView, "l1Ratio" | "fractionBits"> {
  /** Default true. Without scaling hardware the ratio is not looked at. */
  readonly hasTscScaling?: boolean;
}

/**
 * The frequency a guest's pvclock is scaled for: the host's, times the ratio, floored in kHz (`truncated-khz`, every release)
 * or in Hz (`hz`, proposed). The frequency user space asked for plays no part.
 *
 * @param hostKhz - the host's TSC frequency, u32.
 * @param counter - the vCPU's counter.
 * @param unit - value of the behaviour axis.
 * @returns Hz, u64; a multiple of 1000 under `truncated-khz`.
 * @throws TypeError or RangeError for an argument outside its domain.
 * Source: `x86.c:kvm_guest_time_update`; docs/model/pvclock §5.2 and §10 (`hzScale`).
 * @example
 * const counter = { l1Ratio: 0xd55555555555n, fractionBits: 48 } as const;
 * guestClockHz(3_000_000, counter, "truncated-khz") // => 2499999000n
 * guestClockHz(3_000_000, counter, "hz") // => 2499999999n
 */
export function guestClockHz(hostKhz: number, counter: ScaledCounter, unit: GuestFrequencyUnit): bigint {
  checkU32("guestClockHz", "hostKhz", hostKhz);
  checkOneOf("guestClockHz", "unit", unit, PVCLOCK_BEHAVIOURS.guestKhz);
  const khz = BigInt(hostKhz);
  const { l1Ratio, fractionBits, hasTscScaling = true } = counter;
  if (!hasTscScaling) return khz * HZ_PER_KHZ;
  if (unit === "hz") return scaleTsc(khz * HZ_PER_KHZ, l1Ratio, fractionBits);
  return scaleTsc(khz, l1Ratio, fractionBits) * HZ_PER_KHZ;
}

/** The scale from a counter of `hz` to nanoseconds. */
export const nsScale = (hz: bigint): TimeScale => getTimeScale(NSEC_PER_SEC, hz);
