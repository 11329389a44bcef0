/**
 * The TSC frequency a guest derives from the rate its host gave it, rather than by calibration.
 *
 * With a shift of −1, that is for every TSC from 2 GHz to 4 GHz, the result is always even. A host that scales its TSC hands
 * out the rate of the floored frequency, so a guest configured for 2 500 000 kHz sees 2 499 998: its tsc clocksource then runs
 * 0.8 ppm fast, its kvm-clock 0.4 ppm.
 *
 * Source: `arch/x86/kernel/pvclock.c:pvclock_tsc_khz`; docs/model/pvclock §1.6.
 */

import { DivideError } from "@chronovisor/clocksource";
import { checkInteger, checkU32 } from "../argument-checks.js";

const U = BigInt.asUintN;
const KHZ_SHIFTED: bigint = (10n ** 6n) << 32n;

/**
 * The TSC frequency a pvclock rate stands for.
 *
 * @param tscToSystemMul - multiplier, u32.
 * @param tscShift - −63 … 63 (C leaves larger counts undefined).
 * @returns kHz, u64, floored; a left shift WRAPS at 64 bits.
 * @throws DivideError for a multiplier of 0, TypeError or RangeError for an argument outside its domain.
 * Source: `pvclock.c:pvclock_tsc_khz`; docs/model/pvclock §1.6.
 * @example
 * pvclockTscKhz(3435973836, -1) // => 2500000n
 * pvclockTscKhz(3435975211, -1) // => 2499998n
 * pvclockTscKhz(2147484721, 0) // => 1999999n
 */
export function pvclockTscKhz(tscToSystemMul: number, tscShift: number): bigint {
  checkU32("pvclockTscKhz", "tscToSystemMul", tscToSystemMul);
  checkInteger("pvclockTscKhz", "tscShift", tscShift, -63, 63);
  if (tscToSystemMul === 0) throw new DivideError("pvclockTscKhz", KHZ_SHIFTED, 0n);
  const khz = KHZ_SHIFTED / BigInt(tscToSystemMul);
  return tscShift < 0 ? U(64, khz << BigInt(-tscShift)) : khz >> BigInt(tscShift);
}
