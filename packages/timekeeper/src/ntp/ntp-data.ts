import { NTP_PHASE_LIMIT, TICK_USEC } from "./limits.js";
import { type NtpTimeState, STA_UNSYNC, TIME_OK } from "./status.js";

/**
 * The variables of the NTP code under their kernel names, shared by the functions of this directory
 * (`kernel/time/ntp.c`; docs/model/timekeeping-ntp §3). Nothing outside it writes them.
 */
export interface NtpData {
  /** Ticks per second (CONFIG_HZ). */
  readonly hz: bigint;
  /** µs per tick of 1/100 s, 9000 … 11 000. */
  tickUsec: bigint;
  /** ns per interval of 1/hz s, × 2^32: u64. The timekeeper steers by this. */
  tickLength: bigint;
  /** {@link tickLength} without offset and adjtime slews, u64. */
  tickLengthBase: bigint;
  /** The leap machine. */
  timeState: NtpTimeState;
  /** STA_* bits, an int. */
  timeStatus: number;
  /** Phase offset still to slew, ns per hz × 2^32: s64. */
  timeOffset: bigint;
  /** The loop's time constant, 0 … 10. */
  timeConstant: number;
  /** µs, 0 … NTP_PHASE_LIMIT. */
  timeMaxerror: bigint;
  /** µs, 0 … NTP_PHASE_LIMIT. */
  timeEsterror: bigint;
  /** Frequency correction, ns/s × 2^32: s64. */
  timeFreq: bigint;
  /** xtime_sec of the last phase offset, s64. */
  timeReftime: bigint;
  /** What adjtime() has left, µs: s64. */
  timeAdjust: bigint;
  /** The second at which the pending leap happens; undefined for none. */
  nextLeapSec: bigint | undefined;
}

/** The variables as the kernel is compiled with them: not one computation made yet. */
export function initialNtpData(hz: number): NtpData {
  return {
    hz: BigInt(hz),
    tickUsec: TICK_USEC,
    tickLength: 0n,
    tickLengthBase: 0n,
    timeState: TIME_OK,
    timeStatus: STA_UNSYNC,
    timeOffset: 0n,
    timeConstant: 2,
    timeMaxerror: NTP_PHASE_LIMIT,
    timeEsterror: NTP_PHASE_LIMIT,
    timeFreq: 0n,
    timeReftime: 0n,
    timeAdjust: 0n,
    nextLeapSec: undefined,
  };
}
