import { checkArrays, checkInteger, checkSlot, checkU64 } from "../argument-checks.js";
import { storeMulShr, storeMulShr32, storeMulShr48 } from "./limb-kernels.js";
import { POW2 } from "./power-table.js";

const scratch = /* @__PURE__ */ new BigUint64Array(1);

/**
 * `(a · b) >> shift` with a full 128-bit product; bits of the quotient above 63 are dropped.
 *
 * @param a - unsigned 64-bit factor.
 * @param b - unsigned 64-bit factor.
 * @param shift - 0 … 127.
 * @returns the low 64 bits of the floored quotient.
 * @throws TypeError or RangeError for an argument outside its width.
 * Source: `include/linux/math64.h:mul_u64_u64_shr`; docs/model/clocksource-tsc §1.
 * @example
 * mulU64U64Shr(2_500_000_000n, 3n << 47n, 48) // => 3750000000n
 */
export function mulU64U64Shr(a: bigint, b: bigint, shift: number): bigint {
  checkU64("mulU64U64Shr", "a", a);
  checkU64("mulU64U64Shr", "b", b);
  checkInteger("mulU64U64Shr", "shift", shift, 0, 127);
  store(scratch, 0, a, b, shift);
  return scratch[0] as bigint;
}

/**
 * {@link mulU64U64Shr} with the result left in a slot, so that nothing is allocated.
 *
 * @param out - receives the result.
 * @param index - the slot of `out`.
 * @param a - factor, taken mod 2^64.
 * @param b - factor, taken mod 2^64.
 * @param shift - 0 … 127.
 * @throws RangeError for a slot or shift out of range, TypeError for a wrong array.
 * @example
 * const out = new BigUint64Array(1);
 * mulU64U64ShrInto(out, 0, 2_500_000_000n, 3n << 47n, 48);
 * out[0] // => 3750000000n
 */
export function mulU64U64ShrInto(
  out: BigUint64Array,
  index: number,
  a: bigint,
  b: bigint,
  shift: number,
): void {
  checkSlot("mulU64U64ShrInto", out, index);
  checkInteger("mulU64U64ShrInto", "shift", shift, 0, 127);
  store(out, index, a, b, shift);
}

/**
 * {@link mulU64U64Shr} of every element: `out[i] = (input[i] · b) >> shift`.
 *
 * @param out - receives `input.length` results; may be `input` itself.
 * @param input - the factors.
 * @param b - the common factor, unsigned 64-bit.
 * @param shift - 0 … 127.
 * @throws RangeError when `out` is shorter than `input` or an argument is out of range, TypeError for a wrong type.
 * @example
 * const scaled = new BigUint64Array(2);
 * mulU64U64ShrBatch(scaled, BigUint64Array.of(2n, 5n), 3n << 47n, 48);
 * scaled // => BigUint64Array(2) [ 3n, 7n ]
 */
export function mulU64U64ShrBatch(
  out: BigUint64Array,
  input: BigUint64Array,
  b: bigint,
  shift: number,
): void {
  checkArrays("mulU64U64ShrBatch", out, input);
  checkU64("mulU64U64ShrBatch", "b", b);
  checkInteger("mulU64U64ShrBatch", "shift", shift, 0, 127);
  const n = input.length;
  if (shift === 48) {
    for (let i = 0; i < n; i++) storeMulShr48(out, i, input[i] as bigint, b);
  } else if (shift === 32) {
    for (let i = 0; i < n; i++) storeMulShr32(out, i, input[i] as bigint, b);
  } else {
    const word = shift >>> 5;
    const scale = POW2[32 - (shift & 31)] as bigint;
    for (let i = 0; i < n; i++) storeMulShr(out, i, input[i] as bigint, b, word, scale);
  }
}

function store(out: BigUint64Array, index: number, a: bigint, b: bigint, shift: number): void {
  if (shift === 48) storeMulShr48(out, index, a, b);
  else if (shift === 32) storeMulShr32(out, index, a, b);
  else storeMulShr(out, index, a, b, shift >>> 5, POW2[32 - (shift & 31)] as bigint);
}
