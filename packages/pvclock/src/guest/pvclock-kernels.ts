/**
 * The pvclock formula on typed-array slots, written so that V8 lowers every operation to machine words. The rules are those of
 * clocksource's `limb-kernels.ts`: each BigInt operation directly inside `asUintN(64 | 32, …)`, literal shift counts, the
 * operand of `>>` itself wrapped, no bigint across a branch except through a slot. A variable shift is a multiplication by a
 * power of two from a slot.
 *
 * Nothing here is checked.
 */

const U = BigInt.asUintN;

/** `tsc_timestamp`. */
export const TIMESTAMP = 0;
/** `system_time`. */
export const TIME = 1;
/** `tsc_to_system_mul`. */
export const MUL = 2;
/** 2^shift for a left pre-shift, 1 otherwise. */
export const LEFT = 3;
/** 2^(32−k) for a right pre-shift by k ≤ 32, 2^32 otherwise. */
export const RIGHT = 4;
/** Where a single reading is left. */
export const RESULT = 5;
export const SLOT_COUNT = 6;

/** `out[index] = system_time + pvScale(tsc − tsc_timestamp, mul, shift)` for a shift of −32 … 63. */
export function storeReading(out: BigUint64Array, index: number, slots: BigUint64Array, tsc: bigint): void {
  const mul = slots[MUL] as bigint;
  const right = slots[RIGHT] as bigint;
  const shifted = U(64, U(64, tsc - (slots[TIMESTAMP] as bigint)) * (slots[LEFT] as bigint));
  const whole = U(64, U(64, U(64, shifted) >> 32n) * right);
  const d = U(64, whole + U(64, U(64, U(32, shifted) * right) >> 32n));
  const top = U(64, U(64, U(64, d) >> 32n) * mul);
  const scaled = U(64, top + U(64, U(64, U(32, d) * mul) >> 32n));
  out[index] = U(64, scaled + (slots[TIME] as bigint));
}
