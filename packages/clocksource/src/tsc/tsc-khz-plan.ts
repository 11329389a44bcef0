import { checkOneOf, checkPositiveU32, checkU32 } from "../argument-checks.js";
import { getTimeScale, type TimeScale } from "./time-scale.js";
import { adjustTscKhz, TSC_SCALING, type TscVendor, tscRatio } from "./tsc-ratio.js";

const TPS = 1_000_000_000n;

/** What the decision about a guest's TSC frequency depends on. */
export interface TscKhzRequest {
  /** The host's calibrated frequency in kHz, 1 … 2^32−1 (`tsc_khz`). */
  readonly hostTscKhz: number;
  /** The frequency asked for in kHz, u32. */
  readonly userTscKhz: number;
  /** The window around the host's frequency inside which nothing is scaled, ppm, u32 (`tsc_tolerance_ppm`). */
  readonly tolerancePpm: number;
  readonly vendor: TscVendor;
  /** Whether the hardware can scale. */
  readonly hasTscScaling: boolean;
}

/** What setting a guest's TSC frequency does. */
export interface TscKhzPlan {
  /** 0, or −1 when the setting fails; what else the plan holds is applied even then. */
  readonly result: 0 | -1;
  /** The nanoseconds-to-cycles scale to store with the frequency; absent when the frequency is not stored. */
  readonly scale?: TimeScale;
  /** The ratio to write; absent when ratio and hardware stay as they are. */
  readonly ratio?: bigint;
  /** Whether software catch-up begins. It never ends. */
  readonly startsCatchup: boolean;
}

/**
 * The frequencies that are not scaled, in kHz: both bounds belong to the window.
 *
 * @param hostTscKhz - the host's frequency in kHz, u32.
 * @param tolerancePpm - ppm, u32; the helper takes it as signed, so from 2^31 on its sign turns, as in the kernel.
 * @returns the lowest and the highest frequency of the window.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `arch/x86/kvm/x86.c:kvm_set_tsc_khz`; docs/model/clocksource-tsc §5.1.
 * @example
 * tscToleranceKhz(2_500_000, 250) // => { low: 2499375, high: 2500625 }
 */
export function tscToleranceKhz(hostTscKhz: number, tolerancePpm: number): { low: number; high: number } {
  checkU32("tscToleranceKhz", "hostTscKhz", hostTscKhz);
  checkU32("tscToleranceKhz", "tolerancePpm", tolerancePpm);
  return {
    low: adjustTscKhz(hostTscKhz, -tolerancePpm | 0),
    high: adjustTscKhz(hostTscKhz, tolerancePpm | 0),
  };
}

/**
 * Decides how a guest gets the frequency it asks for: not scaled, scaled by the hardware, caught up in software, or refused.
 *
 * Within the tolerance the ratio becomes 1.0 and the guest runs at the HOST's rate. Outside it the hardware scales; without
 * scaling hardware a faster guest is caught up in software and a slower one refused. The frequency is stored even when the
 * rest fails, except 0, which forces the ratio 1.0 and fails.
 *
 * @param request - see {@link TscKhzRequest}.
 * @returns what to store and what to answer.
 * @throws DivideError when the ratio needs more than 64 bits (the host would trap); TypeError or RangeError for a member
 * outside its width.
 * Source: `arch/x86/kvm/x86.c:kvm_set_tsc_khz`, `set_tsc_khz`; docs/model/clocksource-tsc §5.1.
 * @example
 * const caps = { tolerancePpm: 250, vendor: "vmx", hasTscScaling: true } as const;
 * planTscKhz({ hostTscKhz: 2_000_000, userTscKhz: 2_500_000, ...caps }).ratio // => 351843720888320n
 */
export function planTscKhz(request: TscKhzRequest): TscKhzPlan {
  const { hostTscKhz, userTscKhz, tolerancePpm, vendor, hasTscScaling } = request;
  checkPositiveU32("planTscKhz", "hostTscKhz", hostTscKhz);
  checkU32("planTscKhz", "userTscKhz", userTscKhz);
  checkU32("planTscKhz", "tolerancePpm", tolerancePpm);
  checkOneOf("planTscKhz", "vendor", vendor, ["vmx", "svm"]);
  const { defaultRatio, maxRatio, fractionBits } = TSC_SCALING[vendor];
  if (userTscKhz === 0) return { result: -1, ratio: defaultRatio, startsCatchup: false };

  const scale = getTimeScale(BigInt(userTscKhz) * 1000n, TPS);
  const { low, high } = tscToleranceKhz(hostTscKhz, tolerancePpm);
  if (userTscKhz >= low && userTscKhz <= high) {
    return { result: 0, scale, ratio: defaultRatio, startsCatchup: false };
  }
  if (!hasTscScaling) {
    return userTscKhz > hostTscKhz
      ? { result: 0, scale, startsCatchup: true }
      : { result: -1, scale, startsCatchup: false };
  }
  const ratio = tscRatio(userTscKhz, hostTscKhz, fractionBits);
  if (ratio === 0n || ratio >= maxRatio) return { result: -1, scale, startsCatchup: false };
  return { result: 0, scale, ratio, startsCatchup: false };
}
