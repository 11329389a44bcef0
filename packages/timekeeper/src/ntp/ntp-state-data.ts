import { checkInteger, checkObject, checkOneOf, checkS32, parseS64, parseU64 } from "../argument-checks.js";
import { MAX_HZ, MAX_TICK_USEC, MAXTC, MIN_HZ, MIN_TICK_USEC, NTP_PHASE_LIMIT } from "./limits.js";
import type { NtpData } from "./ntp-data.js";
import { type NtpTimeState, TIME_DEL, TIME_INS, TIME_OK, TIME_OOP, TIME_WAIT } from "./status.js";

/** An NtpState as plain JSON; 64-bit quantities are decimal strings. Units as of the getters of NtpState. */
export interface NtpStateData {
  readonly hz: number;
  readonly tickUsec: number;
  readonly tickLength: string;
  readonly tickLengthBase: string;
  readonly timeState: NtpTimeState;
  readonly timeStatus: number;
  readonly timeOffset: string;
  readonly timeConstant: number;
  readonly timeMaxerror: number;
  readonly timeEsterror: number;
  readonly timeFreq: string;
  readonly timeReftime: string;
  readonly timeAdjust: string;
  /** null: no leap second is due. */
  readonly nextLeapSec: string | null;
}

/** Writes the variables as plain JSON. */
export function toStateData(hz: number, ntp: NtpData): NtpStateData {
  return {
    hz,
    tickUsec: Number(ntp.tickUsec),
    tickLength: String(ntp.tickLength),
    tickLengthBase: String(ntp.tickLengthBase),
    timeState: ntp.timeState,
    timeStatus: ntp.timeStatus,
    timeOffset: String(ntp.timeOffset),
    timeConstant: ntp.timeConstant,
    timeMaxerror: Number(ntp.timeMaxerror),
    timeEsterror: Number(ntp.timeEsterror),
    timeFreq: String(ntp.timeFreq),
    timeReftime: String(ntp.timeReftime),
    timeAdjust: String(ntp.timeAdjust),
    nextLeapSec: ntp.nextLeapSec === undefined ? null : String(ntp.nextLeapSec),
  };
}

/** Reads the variables back; throws a TypeError or RangeError for one outside its width. */
export function fromStateData(data: NtpStateData): NtpData {
  const fn = "NtpState.fromState";
  checkObject(fn, "data", data);
  checkInteger(fn, "hz", data.hz, MIN_HZ, MAX_HZ);
  checkInteger(fn, "tickUsec", data.tickUsec, Number(MIN_TICK_USEC), Number(MAX_TICK_USEC));
  checkOneOf(fn, "timeState", data.timeState, [TIME_OK, TIME_INS, TIME_DEL, TIME_OOP, TIME_WAIT]);
  checkS32(fn, "timeStatus", data.timeStatus);
  checkInteger(fn, "timeConstant", data.timeConstant, 0, MAXTC);
  checkInteger(fn, "timeMaxerror", data.timeMaxerror, 0, Number(NTP_PHASE_LIMIT));
  checkInteger(fn, "timeEsterror", data.timeEsterror, 0, Number(NTP_PHASE_LIMIT));
  return {
    hz: BigInt(data.hz),
    tickUsec: BigInt(data.tickUsec),
    tickLength: parseU64(fn, "tickLength", data.tickLength),
    tickLengthBase: parseU64(fn, "tickLengthBase", data.tickLengthBase),
    timeState: data.timeState,
    timeStatus: data.timeStatus,
    timeOffset: parseS64(fn, "timeOffset", data.timeOffset),
    timeConstant: data.timeConstant,
    timeMaxerror: BigInt(data.timeMaxerror),
    timeEsterror: BigInt(data.timeEsterror),
    timeFreq: parseS64(fn, "timeFreq", data.timeFreq),
    timeReftime: parseS64(fn, "timeReftime", data.timeReftime),
    timeAdjust: parseS64(fn, "timeAdjust", data.timeAdjust),
    nextLeapSec: data.nextLeapSec === null ? undefined : parseS64(fn, "nextLeapSec", data.nextLeapSec),
  };
}
