import { checkArrays, checkInteger, checkSlot, checkU32, checkU64 } from "../argument-checks.js";
import { storeMul32ShrNear, storeMulShr } from "./limb-kernels.js";
import { POW2 } from "./power-table.js";
import { u32ToBigint } from "./u32-to-bigint.js";

const scratch = /* @__PURE__ */ new BigUint64Array(1);

/**
 * `(a · mul) >> shift` with a full 96-bit product; bits of the quotient above 63 are dropped.
 *
 * @param a - unsigned 64-bit factor.
 * @param mul - unsigned 32-bit factor.
 * @param shift - 0 … 127 (from 96 on the result is 0).
 * @returns the low 64 bits of the floored quotient.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `include/linux/math64.h:mul_u64_u32_shr`; docs/model/clocksource-tsc §1.
 * @example
 * mulU64U32Shr(3n, 5, 1) // => 7n
 */
export function mulU64U32Shr(a: bigint, mul: number, shift: number): bigint {
  checkU64("mulU64U32Shr", "a", a);
  checkU32("mulU64U32Shr", "mul", mul);
  checkInteger("mulU64U32Shr", "shift", shift, 0, 127);
  store(scratch, 0, a, mul, shift);
  return scratch[0] as bigint;
}

/**
 * {@link mulU64U32Shr} with the result left in a slot, so that nothing is allocated.
 *
 * @param out - receives the result.
 * @param index - the slot of `out`.
 * @param a - factor, taken mod 2^64.
 * @param mul - unsigned 32-bit factor.
 * @param shift - 0 … 127.
 * @throws RangeError for a slot, factor or shift out of range, TypeError for a wrong array.
 * @example
 * const ns = new BigUint64Array(1);
 * mulU64U32ShrInto(ns, 0, 2_500_000_000n, 6710886, 24);
 * ns[0] // => 999999940n
 */
export function mulU64U32ShrInto(
  out: BigUint64Array,
  index: number,
  a: bigint,
  mul: number,
  shift: number,
): void {
  checkSlot("mulU64U32ShrInto", out, index);
  checkU32("mulU64U32ShrInto", "mul", mul);
  checkInteger("mulU64U32ShrInto", "shift", shift, 0, 127);
  store(out, index, a, mul, shift);
}

/**
 * {@link mulU64U32Shr} of every element: `out[i] = (input[i] · mul) >> shift`.
 *
 * @param out - receives `input.length` results; may be `input` itself.
 * @param input - the 64-bit factors.
 * @param mul - the common factor, unsigned 32-bit.
 * @param shift - 0 … 127.
 * @throws RangeError when `out` is shorter than `input` or an argument is out of range, TypeError for a wrong type.
 * @example
 * const nanoseconds = new BigUint64Array(2);
 * mulU64U32ShrBatch(nanoseconds, BigUint64Array.of(5n, 2_500_000_000n), 6710886, 24);
 * nanoseconds // => BigUint64Array(2) [ 1n, 999999940n ]
 */
export function mulU64U32ShrBatch(
  out: BigUint64Array,
  input: BigUint64Array,
  mul: number,
  shift: number,
): void {
  checkArrays("mulU64U32ShrBatch", out, input);
  checkU32("mulU64U32ShrBatch", "mul", mul);
  checkInteger("mulU64U32ShrBatch", "shift", shift, 0, 127);
  const n = input.length;
  const factor = u32ToBigint(mul);
  if (shift <= 32) {
    const scale = POW2[32 - shift] as bigint;
    for (let i = 0; i < n; i++) storeMul32ShrNear(out, i, input[i] as bigint, factor, scale);
  } else {
    const word = shift >>> 5;
    const scale = POW2[32 - (shift & 31)] as bigint;
    for (let i = 0; i < n; i++) storeMulShr(out, i, input[i] as bigint, factor, word, scale);
  }
}

function store(out: BigUint64Array, index: number, a: bigint, mul: number, shift: number): void {
  if (shift <= 32) storeMul32ShrNear(out, index, a, u32ToBigint(mul), POW2[32 - shift] as bigint);
  else storeMulShr(out, index, a, u32ToBigint(mul), shift >>> 5, POW2[32 - (shift & 31)] as bigint);
}
