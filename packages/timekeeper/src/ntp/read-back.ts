import { shiftRight } from "./arithmetic.js";
import {
  MAXFREQ_SCALED,
  NSEC_PER_USEC,
  NTP_SCALE_SHIFT,
  PPM_SCALE,
  PPM_SCALE_INV,
  PPM_SCALE_INV_SHIFT,
} from "./limits.js";
import type { NtpData } from "./ntp-data.js";
import {
  STA_CLOCKERR,
  STA_DEL,
  STA_INS,
  STA_NANO,
  STA_UNSYNC,
  TIME_DEL,
  TIME_ERROR,
  TIME_INS,
  TIME_OOP,
  TIME_WAIT,
} from "./status.js";
import type { AdjtimexClock, AdjtimexResult } from "./timex.js";

/** The smallest step the clock is said to be read in, µs. */
const PRECISION_USEC = 1n;

/** What is left of the phase offset, in the caller's units, rounded toward zero. */
export function readPhaseOffset(ntp: NtpData): bigint {
  const offsetNs = shiftRight(BigInt.asIntN(64, ntp.timeOffset * ntp.hz), NTP_SCALE_SHIFT);
  return ntp.timeStatus & STA_NANO ? offsetNs : offsetNs / NSEC_PER_USEC;
}

/** The frequency as adjtimex reads it, ppm × 2^16: what ADJ_FREQUENCY set exactly, what the loop made of it cut. */
function readFreq(ntp: NtpData): bigint {
  const scaled = (ntp.timeFreq >> PPM_SCALE_INV_SHIFT) * PPM_SCALE_INV;
  return shiftRight(BigInt.asIntN(64, scaled), NTP_SCALE_SHIFT);
}

/**
 * Fills the caller's struct after the modes were applied (`__do_adjtimex`; docs/model/timekeeping-ntp §3).
 *
 * A leap second that is due but that no tick has applied yet is applied to what is read: the time is in its second.
 */
export function readBack(
  ntp: NtpData,
  offset: bigint,
  realtime: AdjtimexClock["realtime"],
  taiOffsetSec: number,
): AdjtimexResult {
  const isError = (ntp.timeStatus & (STA_UNSYNC | STA_CLOCKERR)) !== 0;
  const leap = dueLeap(ntp, realtime.sec);
  return {
    result: leap?.state ?? (isError ? TIME_ERROR : ntp.timeState),
    offset,
    freq: readFreq(ntp),
    maxerror: ntp.timeMaxerror,
    esterror: ntp.timeEsterror,
    status: ntp.timeStatus,
    constant: BigInt(ntp.timeConstant),
    precision: PRECISION_USEC,
    tolerance: MAXFREQ_SCALED / PPM_SCALE,
    tick: ntp.tickUsec,
    time: {
      sec: realtime.sec + BigInt(leap?.seconds ?? 0),
      usec: ntp.timeStatus & STA_NANO ? realtime.nsec : realtime.nsec / NSEC_PER_USEC,
    },
    tai: taiOffsetSec - (leap?.seconds ?? 0),
  };
}

/** What the leap machine would have made of second `sec`; its state even replaces TIME_ERROR. */
function dueLeap(ntp: NtpData, sec: bigint): { state: number; seconds: number } | undefined {
  if (ntp.nextLeapSec === undefined || sec < ntp.nextLeapSec) return undefined;
  if (ntp.timeState === TIME_INS && ntp.timeStatus & STA_INS) return { state: TIME_OOP, seconds: -1 };
  if (ntp.timeState === TIME_DEL && ntp.timeStatus & STA_DEL) return { state: TIME_WAIT, seconds: 1 };
  if (ntp.timeState === TIME_OOP && sec === ntp.nextLeapSec) return { state: TIME_WAIT, seconds: 0 };
  return undefined;
}
