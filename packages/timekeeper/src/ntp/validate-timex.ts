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

/** −EINVAL: the kernel's "no". */
const REFUSED = -22;

const S64_MIN = -(2n ** 63n);
const S64_MAX = 2n ** 63n - 1n;

/** Single-shot calls have this bit set besides ADJ_ADJTIME. */
const SINGLESHOT = ADJ_OFFSET_SINGLESHOT & ~ADJ_ADJTIME;

/**
 * Throws for what no C caller could pass: a field that is missing, no bigint, or beyond its width. Only the fields the
 * call reads are looked at.
 */
export function checkTimex(fn: string, timex: Timex): void {
  checkObject(fn, "timex", timex);
  const { modes } = timex;
  checkU32(fn, "modes", modes);
  if (modes & ADJ_SETOFFSET) checkTime(fn, timex);
  if (modes & ADJ_FREQUENCY) checkField(fn, timex, "freq");
  if (modes & ADJ_ADJTIME) {
    if (!(modes & ADJ_OFFSET_READONLY)) checkField(fn, timex, "offset");
    return;
  }
  if (modes & ADJ_OFFSET) checkField(fn, timex, "offset");
  if (modes & ADJ_MAXERROR) checkField(fn, timex, "maxerror");
  if (modes & ADJ_ESTERROR) checkField(fn, timex, "esterror");
  if (modes & ADJ_STATUS) checkS32(fn, "status", timex.status as number);
  if (modes & (ADJ_TIMECONST | ADJ_TAI)) checkField(fn, timex, "constant");
  if (modes & ADJ_TICK) checkField(fn, timex, "tick");
}

/**
 * Whether the kernel takes the call: 0, or −EINVAL, in which case nothing at all happens
 * (`timekeeping_validate_timex`, kernel/time/timekeeping.c; docs/model/timekeeping-ntp §3). Root is assumed: never −EPERM.
 *
 * In a single-shot call the tick is not judged and not used; frequency and step are judged as in any other.
 */
export function validateTimex(timex: Timex): 0 | -22 {
  const { modes } = timex;
  if (modes & ADJ_ADJTIME) {
    if (!(modes & SINGLESHOT)) return REFUSED;
  } else if (modes & ADJ_TICK) {
    const tick = given(timex.tick);
    if (tick < MIN_TICK_USEC || tick > MAX_TICK_USEC) return REFUSED;
  }
  if (modes & ADJ_SETOFFSET) {
    const fraction = given(timex.time?.usec);
    if (fraction < 0n || fraction >= (modes & ADJ_NANO ? NSEC_PER_SEC : USEC_PER_SEC)) return REFUSED;
  }
  if (modes & ADJ_FREQUENCY) {
    const freq = given(timex.freq);
    // Truncating division, as in C: |freq| up to 140 737 488 355 (2 147 483.6 ppm).
    if (S64_MIN / PPM_SCALE > freq || S64_MAX / PPM_SCALE < freq) return REFUSED;
  }
  return 0;
}

/** A field the call reads; {@link checkTimex} has seen to it that it is there. */
export function given<T>(field: T | undefined): T {
  if (field === undefined)
    throw new TypeError("adjtimex: expected every field named by modes, got undefined");
  return field;
}

function checkField(
  fn: string,
  timex: Timex,
  name: "offset" | "freq" | "maxerror" | "esterror" | "constant" | "tick",
): void {
  checkS64(fn, name, timex[name] as bigint);
}

function checkTime(fn: string, { time }: Timex): void {
  checkObject(fn, "time", time as object);
  checkS64(fn, "time.sec", given(time).sec);
  checkS64(fn, "time.usec", given(time).usec);
}
