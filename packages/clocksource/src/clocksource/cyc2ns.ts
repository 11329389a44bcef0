import { checkArrays, checkInteger, checkSlot, checkU32, checkU64 } from "../argument-checks.js";
import { storeWrapShrFar, storeWrapShrNear } from "../wide/limb-kernels.js";
import { POW2 } from "../wide/power-table.js";
import { u32ToBigint } from "../wide/u32-to-bigint.js";

const scratch = /* @__PURE__ */ new BigUint64Array(1);

/**
 * Cycles to nanoseconds the short way: `(cycles · mult) >> shift`, where the product WRAPS at 64 bits before the shift.
 *
 * @param cycles - unsigned 64-bit cycles.
 * @param mult - unsigned 32-bit multiplier.
 * @param shift - 0 … 63; the shift is logical.
 * @returns the result read as signed 64-bit; negative is possible with shift 0 only.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `include/linux/clocksource.h:clocksource_cyc2ns`; docs/model/clocksource-tsc §1.
 * @example
 * cyc2ns(2_500_000_000n, 6710886, 24) // => 999999940n
 */
export function cyc2ns(cycles: bigint, mult: number, shift: number): bigint {
  checkU64("cyc2ns", "cycles", cycles);
  checkU32("cyc2ns", "mult", mult);
  checkInteger("cyc2ns", "shift", shift, 0, 63);
  store(scratch, 0, cycles, mult, shift);
  return BigInt.asIntN(64, scratch[0] as bigint);
}

/**
 * {@link cyc2ns} with the result left in a slot, as a u64 bit pattern, so that nothing is allocated.
 *
 * @param out - receives the nanoseconds.
 * @param index - the slot of `out`.
 * @param cycles - cycles, taken mod 2^64.
 * @param mult - unsigned 32-bit multiplier.
 * @param shift - 0 … 63.
 * @throws RangeError for a slot, multiplier or shift out of range, TypeError for a wrong array.
 * @example
 * const ns = new BigUint64Array(1);
 * cyc2nsInto(ns, 0, 2_500_000_000n, 6710886, 24);
 * ns[0] // => 999999940n
 */
export function cyc2nsInto(
  out: BigUint64Array,
  index: number,
  cycles: bigint,
  mult: number,
  shift: number,
): void {
  checkSlot("cyc2nsInto", out, index);
  checkU32("cyc2nsInto", "mult", mult);
  checkInteger("cyc2nsInto", "shift", shift, 0, 63);
  store(out, index, cycles, mult, shift);
}

/**
 * {@link cyc2ns} of every element of `input`, as u64 bit patterns.
 *
 * @param out - receives `input.length` results; may be `input` itself.
 * @param input - cycles.
 * @param mult - unsigned 32-bit multiplier.
 * @param shift - 0 … 63.
 * @throws RangeError when `out` is shorter than `input` or an argument is out of range, TypeError for a wrong type.
 * @example
 * const elapsed = new BigUint64Array(2);
 * cyc2nsBatch(elapsed, BigUint64Array.of(5n, 2_500_000_000n), 6710886, 24);
 * elapsed // => BigUint64Array(2) [ 1n, 999999940n ]
 */
export function cyc2nsBatch(out: BigUint64Array, input: BigUint64Array, mult: number, shift: number): void {
  checkArrays("cyc2nsBatch", out, input);
  checkU32("cyc2nsBatch", "mult", mult);
  checkInteger("cyc2nsBatch", "shift", shift, 0, 63);
  const n = input.length;
  const factor = u32ToBigint(mult);
  if (shift <= 32) {
    const scale = POW2[32 - shift] as bigint;
    for (let i = 0; i < n; i++) storeWrapShrNear(out, i, input[i] as bigint, factor, scale);
  } else {
    const scale = POW2[64 - shift] as bigint;
    for (let i = 0; i < n; i++) storeWrapShrFar(out, i, input[i] as bigint, factor, scale);
  }
}

function store(out: BigUint64Array, index: number, cycles: bigint, mult: number, shift: number): void {
  if (shift <= 32) storeWrapShrNear(out, index, cycles, u32ToBigint(mult), POW2[32 - shift] as bigint);
  else storeWrapShrFar(out, index, cycles, u32ToBigint(mult), POW2[64 - shift] as bigint);
}
