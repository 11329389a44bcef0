import { checkObject, checkS32, checkS64, checkU32 } from "../argument-checks.js";
import { MAX_TICK_USEC, MIN_TICK_USEC, NSEC_PER_SEC, PPM_SCALE, USEC_PER_SEC } from "./limits.js";
import {
  ADJ_ADJTIME,
  ADJ_ESTERROR,
  ADJ_FREQUENCY,
  ADJ_MAXERROR,
  ADJ_NANO,
  ADJ_OFFSET,
  ADJ_OFFSET_READONLY,
  ADJ_OFFSET_SINGLESHOT,
  ADJ_SETOFFSET,
  ADJ_STATUS,
  ADJ_TAI,
  ADJ_TICK,
  ADJ_TIMECONST,
} from "./modes.js";
import type { Timex } from "./timex.js";

/** A {@link Timex} with every field there: the ones the call does not read are 0, as in a C caller's cleared struct. */
export type TimexRequest = Required<Timex>;

/** −EINVAL: the kernel's "no". */
const REFUSED = -22;

const S64_MIN = -(2n ** 63n);
const S64_MAX = 2n ** 63n - 1n;

/** Single-shot calls have this bit set besides ADJ_ADJTIME. */
const SINGLESHOT = ADJ_OFFSET_SINGLESHOT & ~ADJ_ADJTIME;

/**
 * Reads the fields that `modes` names. Throws for what no C caller could pass: a field that is missing, no bigint, or
 * beyond its width. The others are not looked at.
 */
export function readTimex(fn: string, timex: Timex): TimexRequest {
  checkObject(fn, "timex", timex);
  const { modes } = timex;
  checkU32(fn, "modes", modes);
  const isAdjtime = (modes & ADJ_ADJTIME) !== 0;
  const sets = (bits: number): boolean => !isAdjtime && (modes & bits) !== 0;
  const readsOffset = isAdjtime ? (modes & ADJ_OFFSET_READONLY) === 0 : (modes & ADJ_OFFSET) !== 0;
  return {
    modes,
    offset: readsOffset ? s64(fn, "offset", timex.offset) : 0n,
    freq: modes & ADJ_FREQUENCY ? s64(fn, "freq", timex.freq) : 0n,
    maxerror: sets(ADJ_MAXERROR) ? s64(fn, "maxerror", timex.maxerror) : 0n,
    esterror: sets(ADJ_ESTERROR) ? s64(fn, "esterror", timex.esterror) : 0n,
    status: sets(ADJ_STATUS) ? s32(fn, "status", timex.status) : 0,
    constant: sets(ADJ_TIMECONST | ADJ_TAI) ? s64(fn, "constant", timex.constant) : 0n,
    tick: sets(ADJ_TICK) ? s64(fn, "tick", timex.tick) : 0n,
    time: modes & ADJ_SETOFFSET ? readTime(fn, timex.time) : { sec: 0n, usec: 0n },
  };
}

/**
 * Whether the kernel takes the call: 0, or −EINVAL, in which case nothing at all happens
 * (`timekeeping_validate_timex`, kernel/time/timekeeping.c; docs/model/timekeeping-ntp §3). Root is assumed: never −EPERM.
 *
 * In a single-shot call the tick is not judged and not used; frequency and step are judged as in any other.
 */
export function validateTimex({ modes, tick, time, freq }: TimexRequest): 0 | -22 {
  if (modes & ADJ_ADJTIME) {
    if (!(modes & SINGLESHOT)) return REFUSED;
  } else if (modes & ADJ_TICK && (tick < MIN_TICK_USEC || tick > MAX_TICK_USEC)) {
    return REFUSED;
  }
  if (modes & ADJ_SETOFFSET) {
    const unitsPerSec = modes & ADJ_NANO ? NSEC_PER_SEC : USEC_PER_SEC;
    if (time.usec < 0n || time.usec >= unitsPerSec) return REFUSED;
  }
  // Truncating division, as in C: |freq| up to 140 737 488 355, 2 147 483.6 ppm.
  if (modes & ADJ_FREQUENCY && (freq < S64_MIN / PPM_SCALE || freq > S64_MAX / PPM_SCALE)) return REFUSED;
  return 0;
}

function readTime(fn: string, time: Timex["time"]): TimexRequest["time"] {
  checkObject(fn, "time", time);
  return { sec: s64(fn, "time.sec", time.sec), usec: s64(fn, "time.usec", time.usec) };
}

function s64(fn: string, name: string, value: bigint | undefined): bigint {
  checkS64(fn, name, value);
  return value;
}

function s32(fn: string, name: string, value: number | undefined): number {
  checkS32(fn, name, value);
  return value;
}
