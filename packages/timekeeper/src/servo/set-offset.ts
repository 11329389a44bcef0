import { ADJ_NANO, ADJ_SETOFFSET } from "../ntp/modes.js";
import type { Timex } from "../ntp/timex.js";
import { divideDown } from "./signed-division.js";

const NSEC_PER_SEC = 1_000_000_000n;

/** The adjtimex call that steps CLOCK_REALTIME by `offsetNs`: whole seconds rounded down, so that nanoseconds are not negative. */
export function setOffset(offsetNs: bigint): Timex {
  const { quotient, remainder } = divideDown(offsetNs, NSEC_PER_SEC);
  return { modes: ADJ_SETOFFSET | ADJ_NANO, time: { sec: quotient, usec: remainder } };
}
