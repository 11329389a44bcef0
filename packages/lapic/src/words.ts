/**
 * 64-bit values and their 32-bit halves, one read through the other: 5 ns where `BigInt(number)` and `Number(bigint)` are calls
 * into V8's runtime, of 30 to 60. Nothing is checked.
 */

const words = /* @__PURE__ */ new Uint32Array(2);
const whole = /* @__PURE__ */ new BigUint64Array(words.buffer);
/** Where the low half of a 64-bit slot lies: 0 on every little-endian machine. */
const LOW: 0 | 1 =
  /* @__PURE__ */ new Uint8Array(/* @__PURE__ */ new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;

/** A u32 as a bigint. */
export function u32ToBigint(value: number): bigint {
  words[LOW] = value;
  words[HIGH] = 0;
  return whole[0] as bigint;
}

/** Bits 31:0 of a value taken mod 2^64. */
export function lowWord(value: bigint): number {
  whole[0] = value;
  return words[LOW] as number;
}

/** Bits 63:32 of a value taken mod 2^64. */
export function highWord(value: bigint): number {
  whole[0] = value;
  return words[HIGH] as number;
}
