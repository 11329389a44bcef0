/**
 * The two conversions a simulated vCPU makes at every timer event, over per-frequency constants laid out in slots.
 * The rules of `wide/limb-kernels.ts` hold here too.
 */

import { storeMulShr32, storeMulShr48, storePvScale } from "../wide/limb-kernels.js";

const U = BigInt.asUintN;

/** Slots of a vCPU's TSC constants. */
export const SLOT_OFFSET = 0;
export const SLOT_RATIO = 1;
/** `virtual_tsc_mult`, then 2^shift or 1, then 2^(32−k) for a right shift by k. */
export const SLOT_MUL = 2;
export const SLOT_LEFT = 3;
export const SLOT_RIGHT = 4;
/** Where a single call leaves its result: a slot, because a value merged from two branches must not be returned. */
export const SLOT_RESULT = 5;
export const SLOT_COUNT = 6;

/** How a counter is scaled: by nothing, or by a ratio with so many fraction bits. */
export type ScaleMode = 0 | 48 | 32;

/** `out[index]` = offset + scaled `tsc`, mod 2^64. */
export function storeGuestTsc(
  out: BigUint64Array,
  index: number,
  slots: BigUint64Array,
  mode: ScaleMode,
  tsc: bigint,
): void {
  if (mode === 0) out[index] = U(64, (slots[SLOT_OFFSET] as bigint) + tsc);
  else if (mode === 48) storeScaled48(out, index, slots, tsc);
  else storeScaled32(out, index, slots, tsc);
}

// Each in a function of its own: together they exceed V8's inlining budget, and a read costs 50 ns instead of 12.

function storeScaled48(out: BigUint64Array, index: number, slots: BigUint64Array, tsc: bigint): void {
  storeMulShr48(out, index, tsc, slots[SLOT_RATIO] as bigint);
  out[index] = U(64, (slots[SLOT_OFFSET] as bigint) + (out[index] as bigint));
}

function storeScaled32(out: BigUint64Array, index: number, slots: BigUint64Array, tsc: bigint): void {
  storeMulShr32(out, index, tsc, slots[SLOT_RATIO] as bigint);
  out[index] = U(64, (slots[SLOT_OFFSET] as bigint) + (out[index] as bigint));
}

/** `out[index]` = guest cycles in `ns`, mod 2^64. */
export function storeNsToCycles(out: BigUint64Array, index: number, slots: BigUint64Array, ns: bigint): void {
  storePvScale(
    out,
    index,
    ns,
    slots[SLOT_MUL] as bigint,
    slots[SLOT_LEFT] as bigint,
    slots[SLOT_RIGHT] as bigint,
  );
}
