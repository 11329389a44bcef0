import { BACKWARDS, BASE, type ClockSlot, DELTA, MULT, NSEC, SHIFT } from "./slots.js";

/**
 * A clock's reading when the difference in slot `DELTA` is too large for the short sum: the clock stands still for a counter
 * that stepped back, and is converted the wide way for one that ran on. Form `unsigned` has no wide way: there the limit is
 * half the counter, so what comes here stepped back (docs/model/clocksource-tsc §3.3).
 */
export function farReading(slots: BigUint64Array, clock: ClockSlot): bigint {
  const delta = slots[DELTA] as bigint;
  const stoodStill = (delta & (slots[BACKWARDS] as bigint)) !== 0n;
  const product = stoodStill ? 0n : delta * (slots[clock + MULT] as bigint);
  const ns = (product + (slots[clock + NSEC] as bigint)) >> (slots[SHIFT] as bigint);
  return BigInt.asUintN(64, ns + (slots[clock + BASE] as bigint));
}
