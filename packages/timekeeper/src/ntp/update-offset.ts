import { clamp } from "./arithmetic.js";
import {
  MAXFREQ_SCALED,
  MAXPHASE,
  MAXSEC,
  MINSEC,
  NSEC_PER_USEC,
  NTP_SCALE_SHIFT,
  SHIFT_FLL,
  SHIFT_PLL,
  USEC_PER_SEC,
} from "./limits.js";
import type { NtpData } from "./ntp-data.js";
import { STA_FLL, STA_FREQHOLD, STA_MODE, STA_NANO, STA_PLL } from "./status.js";

const S = BigInt.asIntN;

/**
 * Takes a measured phase offset into the loop: it corrects the frequency by it, and replaces what is left to slew
 * (`ntp_update_offset`; docs/model/timekeeping-ntp §3 ADJ_OFFSET). Nothing happens without STA_PLL.
 *
 * The tick's length does not change here: the caller computes the base, and the slew begins with the next second.
 *
 * @param offset - µs, or ns with STA_NANO; clamped to ±1 s, then to ±500 ms.
 * @param xtimeSec - the second to date it with. A clock stepped back makes the interval negative, and the correction of
 *   the frequency opposite, as in the kernel, whose products then wrap at 64 bits: at 500 ms and tc 0 below −1024 s.
 */
export function updateOffset(ntp: NtpData, offset: bigint, xtimeSec: bigint): void {
  if (!(ntp.timeStatus & STA_PLL)) return;
  const phaseNs = clamp(toNs(ntp, offset), -MAXPHASE, MAXPHASE);
  const secs = ntp.timeStatus & STA_FREQHOLD ? 0n : S(64, xtimeSec - ntp.timeReftime);
  ntp.timeReftime = xtimeSec;

  const correction = S(64, frequencyLockedTerm(ntp, phaseNs, secs) + phaseLockedTerm(ntp, phaseNs, secs));
  ntp.timeFreq = clamp(S(64, correction + ntp.timeFreq), -MAXFREQ_SCALED, MAXFREQ_SCALED);
  ntp.timeOffset = (phaseNs << NTP_SCALE_SHIFT) / ntp.hz;
}

function toNs(ntp: NtpData, offset: bigint): bigint {
  if (ntp.timeStatus & STA_NANO) return offset;
  return clamp(offset, -USEC_PER_SEC, USEC_PER_SEC) * NSEC_PER_USEC;
}

/** For long intervals: the offset over the time it grew in, a quarter of it. Sets STA_MODE when it applies. */
function frequencyLockedTerm(ntp: NtpData, phaseNs: bigint, secs: bigint): bigint {
  ntp.timeStatus &= ~STA_MODE;
  if (secs < MINSEC) return 0n;
  if (!(ntp.timeStatus & STA_FLL) && secs <= MAXSEC) return 0n;
  ntp.timeStatus |= STA_MODE;
  return (phaseNs << (NTP_SCALE_SHIFT - BigInt(SHIFT_FLL))) / secs;
}

/** Grows with the interval up to 2^(3+tc) s; each step of the time constant leaves a quarter of it. */
function phaseLockedTerm(ntp: NtpData, phaseNs: bigint, secs: bigint): bigint {
  const longest = 1n << BigInt(SHIFT_PLL + 1 + ntp.timeConstant);
  const interval = secs > longest ? longest : secs;
  const gain = NTP_SCALE_SHIFT - BigInt(2 * (SHIFT_PLL + 2 + ntp.timeConstant));
  return S(64, S(64, phaseNs * interval) << gain);
}
