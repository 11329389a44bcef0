import { checkInteger, checkVector } from "../arguments.js";

/** No vector. */
export const NO_VECTOR = -1;

const WORDS = 8;

/**
 * A set of the 256 interrupt vectors, as the local APIC's IRR, ISR and TMR hold one: eight 32-bit registers. The
 * highest member costs two `clz32`, whatever the set holds.
 *
 * @example
 * const irr = new VectorSet();
 * irr.add(0x31); irr.add(0xec);
 * irr.highest // => 236
 */
export class VectorSet {
  readonly #words: Uint32Array = new Uint32Array(WORDS);
  /** Bit w is set while word w is not 0. */
  #summary = 0;

  /** Adds a vector, 0 … 255; true when it was absent. */
  add(vector: number): boolean {
    checkVector("VectorSet.add", vector);
    const word = vector >>> 5;
    const before = this.#words[word] ?? 0;
    const after = (before | (1 << (vector & 31))) >>> 0;
    this.#words[word] = after;
    this.#summary |= 1 << word;
    return after !== before;
  }

  /** Removes a vector, 0 … 255; true when it was present. */
  delete(vector: number): boolean {
    checkVector("VectorSet.delete", vector);
    const word = vector >>> 5;
    const before = this.#words[word] ?? 0;
    const after = (before & ~(1 << (vector & 31))) >>> 0;
    this.#words[word] = after;
    if (after === 0) this.#summary &= ~(1 << word);
    return after !== before;
  }

  /** Whether a vector, 0 … 255, is in the set. */
  has(vector: number): boolean {
    checkVector("VectorSet.has", vector);
    return (((this.#words[vector >>> 5] ?? 0) >>> (vector & 31)) & 1) !== 0;
  }

  /** The highest vector, {@link NO_VECTOR} when the set is empty. */
  get highest(): number {
    if (this.#summary === 0) return NO_VECTOR;
    const word = 31 - Math.clz32(this.#summary);
    return (word << 5) + 31 - Math.clz32(this.#words[word] ?? 0);
  }

  /** Register `index`, 0 … 7: vectors 32·index … 32·index + 31. */
  word(index: number): number {
    checkInteger("VectorSet.word", "index", index, 0, WORDS - 1);
    return this.#words[index] ?? 0;
  }

  /** The eight registers. */
  words(): number[] {
    return Array.from(this.#words);
  }

  /** Replaces the set by eight registers, u32 each. */
  load(words: readonly number[]): void {
    if (words.length !== WORDS) throw new RangeError(`VectorSet.load: expected 8 words, got ${words.length}`);
    for (const word of words) checkInteger("VectorSet.load", "word", word, 0, 0xffff_ffff);
    this.#words.set(words);
    this.#summary = 0;
    for (let w = 0; w < WORDS; w++) if (this.#words[w] !== 0) this.#summary |= 1 << w;
  }

  /** Empties the set. */
  clear(): void {
    this.#words.fill(0);
    this.#summary = 0;
  }
}
