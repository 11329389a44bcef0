import type { GuestTsc } from "@chronovisor/clocksource";
import { checkTimeInfo, type VcpuTimeInfo } from "../abi/vcpu-time-info.js";
import { guestClockHz, type ScaledCounter } from "./clock-scale.js";

const EINVAL = 22;
const ERANGE = 34;
const MAX_SHIFT = 31;
const TOLERANCE_HZ = 1000n;
/** 10^9 in 0.32 fixed point. */
const NSEC_PER_SEC_32: bigint = 1_000_000_000n << 32n;

/**
 * Whether a saved structure can be the clock of a vCPU: −22 for one that is no clock or lies ahead of the counter, −34 for one
 * of another frequency, else 0 (`KVM_SET_CLOCK_GUEST`, proposed; docs/model/pvclock §10).
 */
export function judgeGuestClock(
  info: VcpuTimeInfo,
  counter: ScaledCounter,
  hostKhz: number,
  guestNow: GuestTsc,
): number {
  checkTimeInfo("VmKvmclock.setClockGuest", info);
  const { tscToSystemMul, tscShift, tscTimestamp } = info;
  if (tscToSystemMul === 0 || Math.abs(tscShift) > MAX_SHIFT || guestNow < tscTimestamp) return -EINVAL;
  const off = impliedHz(tscToSystemMul, tscShift) - guestClockHz(hostKhz, counter, "hz");
  return -TOLERANCE_HZ <= off && off <= TOLERANCE_HZ ? 0 : -ERANGE;
}

/** The frequency a scale turns into nanoseconds, floored. */
function impliedHz(mul: number, shift: number): bigint {
  const multiplier = BigInt(mul);
  if (shift < 0) return (NSEC_PER_SEC_32 << BigInt(-shift)) / multiplier;
  return NSEC_PER_SEC_32 / (multiplier << BigInt(shift));
}
