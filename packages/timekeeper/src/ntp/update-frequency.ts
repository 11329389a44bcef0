import { NSEC_PER_USEC, NTP_SCALE_SHIFT, USER_HZ } from "./limits.js";
import type { NtpData } from "./ntp-data.js";

const U = BigInt.asUintN;

/**
 * Derives the tick's base length from tick and frequency, and moves the present length by as much, at once: a slew that
 * runs stays in it (`ntp_update_frequency`; docs/model/timekeeping-ntp §3 Base).
 *
 * At most 1.1·10^9 ns a second, × 2^32: no u64 wraps here in any state adjtimex can reach.
 */
export function updateFrequency(ntp: NtpData): void {
  const nominal = (ntp.tickUsec * NSEC_PER_USEC * USER_HZ) << NTP_SCALE_SHIFT;
  const secondLength = U(64, nominal + ntp.timeFreq);
  const base = secondLength / ntp.hz;
  ntp.tickLength = U(64, ntp.tickLength + base - ntp.tickLengthBase);
  ntp.tickLengthBase = base;
}
