import { shiftRight } from "./arithmetic.js";
import { type Leap, stepLeap } from "./leap-second.js";
import {
  MAX_TICKADJ,
  MAXFREQ,
  NSEC_PER_USEC,
  NTP_PHASE_LIMIT,
  NTP_SCALE_SHIFT,
  SHIFT_PLL,
} from "./limits.js";
import type { NtpData } from "./ntp-data.js";
import { STA_UNSYNC } from "./status.js";

const U = BigInt.asUintN;

/** µs by which the error bound grows in a second: the largest frequency error. */
const MAXERROR_PER_SECOND = MAXFREQ / NSEC_PER_USEC;
const MAX_TICKADJ_NS_SCALED = (MAX_TICKADJ * NSEC_PER_USEC) << NTP_SCALE_SHIFT;

/**
 * What the NTP code does once a second, in the kernel's order: leap machine, error bound, the second's share of the phase
 * offset, the second's share of adjtime() (`second_overflow`; docs/model/timekeeping-ntp §3).
 *
 * The tick's length starts again from its base, so what the last second slewed by is gone from it.
 */
export function overflowSecond(ntp: NtpData, secs: bigint): Leap {
  const leap = stepLeap(ntp, secs);
  growMaxerror(ntp);
  const slewed = U(64, ntp.tickLengthBase + takeOffsetChunk(ntp));
  ntp.tickLength = ntp.timeAdjust === 0n ? slewed : U(64, slewed + takeAdjustChunk(ntp));
  return leap;
}

function growMaxerror(ntp: NtpData): void {
  ntp.timeMaxerror += MAXERROR_PER_SECOND;
  if (ntp.timeMaxerror <= NTP_PHASE_LIMIT) return;
  ntp.timeMaxerror = NTP_PHASE_LIMIT;
  ntp.timeStatus |= STA_UNSYNC;
}

/** What is below 2^(2+tc) units of 2^−32 ns (2^−28 ns a tick at tc 2) is never slewed. */
function takeOffsetChunk(ntp: NtpData): bigint {
  if (ntp.timeOffset === 0n) return 0n;
  const chunk = shiftRight(ntp.timeOffset, BigInt(SHIFT_PLL + ntp.timeConstant));
  ntp.timeOffset = BigInt.asIntN(64, ntp.timeOffset - chunk);
  return chunk;
}

/** The last second's remainder is cut to whole nanoseconds a tick before it is scaled: 1 µs at 250 Hz is 4 ns a tick. */
function takeAdjustChunk(ntp: NtpData): bigint {
  if (ntp.timeAdjust > MAX_TICKADJ) {
    ntp.timeAdjust -= MAX_TICKADJ;
    return MAX_TICKADJ_NS_SCALED / ntp.hz;
  }
  if (ntp.timeAdjust < -MAX_TICKADJ) {
    ntp.timeAdjust += MAX_TICKADJ;
    return -(MAX_TICKADJ_NS_SCALED / ntp.hz);
  }
  const perTickNs = (ntp.timeAdjust * NSEC_PER_USEC) / ntp.hz;
  ntp.timeAdjust = 0n;
  return perTickNs << NTP_SCALE_SHIFT;
}
