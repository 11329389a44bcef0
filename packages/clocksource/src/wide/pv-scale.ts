import { checkArrays, checkInteger, checkSlot, checkU32, checkU64 } from "../argument-checks.js";
import { storePvScale, storePvScaleFar } from "./limb-kernels.js";
import { POW2 } from "./power-table.js";
import { u32ToBigint } from "./u32-to-bigint.js";

const scratch = /* @__PURE__ */ new BigUint64Array(1);

/**
 * A counter difference in the units of a pvclock scale: shifted first, then bits 32 … 95 of the product with `mul`.
 *
 * A left pre-shift drops high bits (wraps mod 2^64); a right one drops low bits of the difference, so with shift −1 two
 * neighbouring counter values give the same result. Nothing rounds.
 *
 * @param delta - unsigned 64-bit difference.
 * @param mul - unsigned 32-bit multiplier, 0.32 fixed point.
 * @param shift - −63 … 63; negative shifts right. (C leaves larger counts undefined.)
 * @returns the scaled difference, 64 bits.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `arch/x86/include/asm/pvclock.h:pvclock_scale_delta`; docs/model/clocksource-tsc §1.
 * @example
 * pvScale(2_500_000_000n, 3435973836, -1) // => 999999999n
 */
export function pvScale(delta: bigint, mul: number, shift: number): bigint {
  checkU64("pvScale", "delta", delta);
  checkU32("pvScale", "mul", mul);
  checkInteger("pvScale", "shift", shift, -63, 63);
  store(scratch, 0, delta, mul, shift);
  return scratch[0] as bigint;
}

/**
 * {@link pvScale} with the result left in a slot, so that nothing is allocated.
 *
 * @param out - receives the result.
 * @param index - the slot of `out`.
 * @param delta - difference, taken mod 2^64.
 * @param mul - unsigned 32-bit multiplier.
 * @param shift - −63 … 63.
 * @throws RangeError for a slot, multiplier or shift out of range, TypeError for a wrong array.
 * @example
 * const slot = new BigUint64Array(1);
 * pvScaleInto(slot, 0, 1_000_000n, 2684354560, 2);
 * slot[0] // => 2500000n
 */
export function pvScaleInto(
  out: BigUint64Array,
  index: number,
  delta: bigint,
  mul: number,
  shift: number,
): void {
  checkSlot("pvScaleInto", out, index);
  checkU32("pvScaleInto", "mul", mul);
  checkInteger("pvScaleInto", "shift", shift, -63, 63);
  store(out, index, delta, mul, shift);
}

/**
 * {@link pvScale} of every element of `input`.
 *
 * @param out - receives `input.length` results; may be `input` itself.
 * @param input - the differences.
 * @param mul - unsigned 32-bit multiplier.
 * @param shift - −63 … 63.
 * @throws RangeError when `out` is shorter than `input` or an argument is out of range, TypeError for a wrong type.
 * @example
 * const cycles = new BigUint64Array(2);
 * pvScaleBatch(cycles, BigUint64Array.of(1n, 1_000_000n), 2684354560, 2);
 * cycles // => BigUint64Array(2) [ 2n, 2500000n ]
 */
export function pvScaleBatch(out: BigUint64Array, input: BigUint64Array, mul: number, shift: number): void {
  checkArrays("pvScaleBatch", out, input);
  checkU32("pvScaleBatch", "mul", mul);
  checkInteger("pvScaleBatch", "shift", shift, -63, 63);
  const n = input.length;
  const factor = u32ToBigint(mul);
  const left = POW2[Math.max(shift, 0)] as bigint;
  if (shift >= -32) {
    const right = POW2[32 + Math.min(shift, 0)] as bigint;
    for (let i = 0; i < n; i++) storePvScale(out, i, input[i] as bigint, factor, left, right);
  } else {
    const right = POW2[64 + shift] as bigint;
    for (let i = 0; i < n; i++) storePvScaleFar(out, i, input[i] as bigint, factor, right);
  }
}

function store(out: BigUint64Array, index: number, delta: bigint, mul: number, shift: number): void {
  if (shift >= -32) {
    const left = POW2[Math.max(shift, 0)] as bigint;
    const right = POW2[32 + Math.min(shift, 0)] as bigint;
    storePvScale(out, index, delta, u32ToBigint(mul), left, right);
  } else {
    storePvScaleFar(out, index, delta, u32ToBigint(mul), POW2[64 + shift] as bigint);
  }
}
