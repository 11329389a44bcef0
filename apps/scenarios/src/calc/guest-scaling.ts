import {
  getTimeScale,
  maxGuestTscKhz,
  planTscKhz,
  scaleTsc,
  type TimeScale,
  TSC_SCALING,
  type TscFractionBits,
  type TscVendor,
} from "@chronovisor/clocksource";
import { ChronovisorError } from "../errors.js";

const NSEC_PER_SEC = 1_000_000_000n;

/** Deviation from the host's frequency, either way, below which KVM does not scale (`tsc_tolerance_ppm`). */
export const TOLERANCE_PPM = 250;

/** What a guest asked for, and of which host. */
export interface GuestScalingInput {
  readonly hostKhz: number;
  readonly guestKhz: number;
  readonly vendor: TscVendor;
}

/** How a host with scaling hardware runs a guest's TSC, and what KVM makes of its frequency. */
export interface GuestScaling {
  readonly ratio: bigint;
  readonly fractionBits: TscFractionBits;
  /** Whether the frequency asked for is outside the tolerance. */
  readonly isScaled: boolean;
  /** What KVM takes the guest's frequency to be: the host's times the ratio, floored in kHz. */
  readonly effectiveKhz: bigint;
  /** The rate published to the guest. */
  readonly pvclock: TimeScale;
}

/** Nanoseconds from a counter of `khz`. */
export const nsScaleOfKhz = (khz: bigint): TimeScale => getTimeScale(NSEC_PER_SEC, khz * 1000n);

/**
 * What `KVM_SET_TSC_KHZ` leads to.
 *
 * @throws ChronovisorError naming `--guest-khz` where the ioctl fails, or the frequency is floored to 0 kHz
 */
export function guestScaling({ hostKhz, guestKhz, vendor }: GuestScalingInput): GuestScaling {
  const bound = maxGuestTscKhz(hostKhz, vendor);
  if (guestKhz >= bound) {
    throw new ChronovisorError(
      `--guest-khz: expected less than ${bound} kHz on this host (KVM_SET_TSC_KHZ answers -EINVAL), got "${guestKhz}"`,
    );
  }
  const { fractionBits, defaultRatio } = TSC_SCALING[vendor];
  const plan = planTscKhz({
    hostTscKhz: hostKhz,
    userTscKhz: guestKhz,
    tolerancePpm: TOLERANCE_PPM,
    vendor,
    hasTscScaling: true,
  });
  const ratio = plan.ratio ?? defaultRatio;
  const effectiveKhz = scaleTsc(BigInt(hostKhz), ratio, fractionBits);
  if (effectiveKhz === 0n) {
    throw new ChronovisorError(
      `--guest-khz: expected a frequency that is not floored to 0 kHz, got "${guestKhz}"`,
    );
  }
  return {
    ratio,
    fractionBits,
    isScaled: ratio !== defaultRatio,
    effectiveKhz,
    pvclock: nsScaleOfKhz(effectiveKhz),
  };
}
