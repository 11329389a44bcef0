/**
 * Products of 64-bit numbers in 32-bit limbs, written so that V8 lowers every operation to machine words.
 *
 * The rules of this file (and of every `*-kernels.ts`; a workspace test enforces them): each BigInt operation stands
 * directly inside `asUintN(64 | 32, …)`, shift counts are literals, the operand of `>>` is itself wrapped, and no
 * bigint crosses a branch or a loop edge except through a typed-array slot. One operation left bare makes the kernel
 * some 30 times slower; a `>>` on a merged value aborts the whole process on Node 20.
 *
 * Nothing here is checked: arguments are taken mod 2^64, and the faces in front of the kernels check slots and counts.
 *
 * A right shift by any s in 0 … 127 without a variable shift: write s = 32w + r with 0 ≤ r < 32, and let R = 2^(32−r).
 * With limbs p0 … p3 of the 128-bit product, and p4 = p5 = 0,
 *
 *     low64(P >> s) = (p[w]·R >> 32) + p[w+1]·R + (p[w+2]·R << 32)      mod 2^64
 *
 * Each p·R fits 64 bits, and only the first term loses bits: the ones the shift drops.
 */

const U = BigInt.asUintN;

/** Limbs of the product at hand; the two past the top stay 0. */
const limbs = /* @__PURE__ */ new BigUint64Array(6);

/** `out[index] = (a · b) >> 48`, low 64 bits: the VMX ratio has 48 fraction bits. */
export function storeMulShr48(out: BigUint64Array, index: number, a: bigint, b: bigint): void {
  const al = U(32, a);
  const bl = U(32, b);
  const ah = U(64, U(64, a) >> 32n);
  const bh = U(64, U(64, b) >> 32n);
  const mid = U(64, U(64, ah * bl) + U(64, U(64, al * bl) >> 32n));
  const low = U(64, U(64, al * bh) + U(32, mid));
  const high = U(64, U(64, U(64, ah * bh) + U(64, U(64, mid) >> 32n)) + U(64, U(64, low) >> 32n));
  out[index] = U(64, U(64, U(64, a * b) >> 48n) | U(64, high << 16n));
}

/** `out[index] = (a · b) >> 32`, low 64 bits: the SVM ratio has 32 fraction bits. No carry can be lost mod 2^64. */
export function storeMulShr32(out: BigUint64Array, index: number, a: bigint, b: bigint): void {
  const al = U(32, a);
  const bl = U(32, b);
  const ah = U(64, U(64, a) >> 32n);
  const bh = U(64, U(64, b) >> 32n);
  const cross = U(64, U(64, ah * bl) + U(64, al * bh));
  const ends = U(64, U(64, U(64, ah * bh) << 32n) + U(64, U(64, al * bl) >> 32n));
  out[index] = U(64, cross + ends);
}

/** `out[index] = (a · b) >> (32·word + r)`, low 64 bits; `scale` is 2^(32−r). */
export function storeMulShr(
  out: BigUint64Array,
  index: number,
  a: bigint,
  b: bigint,
  word: number,
  scale: bigint,
): void {
  const al = U(32, a);
  const bl = U(32, b);
  const ah = U(64, U(64, a) >> 32n);
  const bh = U(64, U(64, b) >> 32n);
  const bottom = U(64, al * bl);
  const mid = U(64, U(64, ah * bl) + U(64, U(64, bottom) >> 32n));
  const low = U(64, U(64, al * bh) + U(32, mid));
  const high = U(64, U(64, U(64, ah * bh) + U(64, U(64, mid) >> 32n)) + U(64, U(64, low) >> 32n));
  limbs[0] = U(32, bottom);
  limbs[1] = U(32, low);
  limbs[2] = U(32, high);
  limbs[3] = U(64, U(64, high) >> 32n);
  const dropped = U(64, U(64, (limbs[word] as bigint) * scale) >> 32n);
  const kept = U(64, (limbs[word + 1] as bigint) * scale);
  const above = U(64, U(64, (limbs[word + 2] as bigint) * scale) << 32n);
  out[index] = U(64, U(64, dropped + kept) + above);
}

/** `out[index] = (a · mul) >> s`, low 64 bits, for a 32-bit `mul` and 0 ≤ s ≤ 32; `scale` is 2^(32−s). */
export function storeMul32ShrNear(
  out: BigUint64Array,
  index: number,
  a: bigint,
  mul: bigint,
  scale: bigint,
): void {
  const bottom = U(64, U(32, a) * mul);
  const top = U(64, U(64, U(64, U(64, a) >> 32n) * mul) + U(64, U(64, bottom) >> 32n));
  out[index] = U(64, U(64, top * scale) + U(64, U(64, U(32, bottom) * scale) >> 32n));
}

/** `out[index] = low64(a · mul) >> s` for 0 ≤ s ≤ 32; `scale` is 2^(32−s). The product wraps BEFORE the shift. */
export function storeWrapShrNear(
  out: BigUint64Array,
  index: number,
  a: bigint,
  mul: bigint,
  scale: bigint,
): void {
  const product = U(64, a * mul);
  const kept = U(64, U(64, U(64, product) >> 32n) * scale);
  out[index] = U(64, kept + U(64, U(64, U(32, product) * scale) >> 32n));
}

/** `out[index] = low64(a · mul) >> s` for 32 ≤ s ≤ 63; `scale` is 2^(64−s). */
export function storeWrapShrFar(
  out: BigUint64Array,
  index: number,
  a: bigint,
  mul: bigint,
  scale: bigint,
): void {
  const top = U(64, U(64, a * mul) >> 32n);
  out[index] = U(64, U(64, top * scale) >> 32n);
}

/**
 * `out[index]` = bits 32 … 95 of d′·`mul`, where d′ = low64(delta · `left`) >> k and `right` is 2^(32−k), 0 ≤ k ≤ 32.
 * One of `left` = 1 and k = 0 holds for a real scale.
 */
export function storePvScale(
  out: BigUint64Array,
  index: number,
  delta: bigint,
  mul: bigint,
  left: bigint,
  right: bigint,
): void {
  const shifted = U(64, delta * left);
  const whole = U(64, U(64, U(64, shifted) >> 32n) * right);
  const d = U(64, whole + U(64, U(64, U(32, shifted) * right) >> 32n));
  const top = U(64, U(64, U(64, d) >> 32n) * mul);
  out[index] = U(64, top + U(64, U(64, U(32, d) * mul) >> 32n));
}

/** {@link storePvScale} for a right shift by k in 33 … 63; `right` is 2^(64−k). */
export function storePvScaleFar(
  out: BigUint64Array,
  index: number,
  delta: bigint,
  mul: bigint,
  right: bigint,
): void {
  const top = U(64, U(64, delta) >> 32n);
  const d = U(64, U(64, top * right) >> 32n);
  out[index] = U(64, U(64, d * mul) >> 32n);
}
