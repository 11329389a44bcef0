/**
 * One reference, read many times: what {@link readCycles} gives, with the constants of the rate computed once and kept in a
 * typed array. This is the form for a guest that reads its clock in a loop.
 *
 * Source: `arch/x86/include/asm/pvclock.h:__pvclock_read_cycles`; docs/model/pvclock §1.5.
 */

import { type GuestTsc, type KvmclockNs, pvScaleInto } from "@chronovisor/clocksource";
import type { PvclockReference } from "../abi/vcpu-time-info.js";
import { checkArrays, checkObject, checkSlot, parseU64 } from "../argument-checks.js";
import { LEFT, MUL, RESULT, RIGHT, SLOT_COUNT, storeReading, TIME, TIMESTAMP } from "./pvclock-kernels.js";
import { checkReference } from "./reference-check.js";

const U = BigInt.asUintN;

/** A right shift beyond this has no kernel of its own. No counter needs one: −32 is for 4·10^18 Hz. */
const NEAREST_FAR_SHIFT = -33;

/** A {@link PvclockFormula} as plain JSON; u64 are decimal strings. */
export interface PvclockFormulaState {
  readonly tscTimestamp: string;
  readonly systemTime: string;
  readonly tscToSystemMul: number;
  readonly tscShift: number;
}

/**
 * The clock of one reference, to be read at any guest TSC.
 *
 * @example
 * import { guestTsc } from "@chronovisor/clocksource";
 * const reference = { tscTimestamp: 1000n, systemTime: 7n, tscToSystemMul: 3435973836, tscShift: -1 };
 * const formula = new PvclockFormula(reference);
 * formula.read(guestTsc(2_500_001_000n)) // => 1000000006n
 * const ns = new BigUint64Array(2);
 * formula.readBatch(ns, BigUint64Array.of(1000n, 3500n));
 * ns // => BigUint64Array(2) [ 7n, 1006n ]
 */
export class PvclockFormula {
  readonly #slots: BigUint64Array = new BigUint64Array(SLOT_COUNT);
  #mul = 0;
  #shift = 0;
  #isFar = false;

  /**
   * Takes its first reference.
   *
   * @param reference - reference point, u64 each, and rate: multiplier u32, shift −63 … 63.
   * @throws TypeError or RangeError for a field outside its domain.
   */
  constructor(reference: PvclockReference) {
    checkReference("PvclockFormula", reference);
    this.#take(reference);
  }

  /**
   * Goes on from a new reference, as after an update of the guest's structure.
   *
   * @param reference - as for the constructor.
   * @throws TypeError or RangeError for a field outside its domain; nothing changes then.
   */
  update(reference: PvclockReference): void {
    checkReference("PvclockFormula.update", reference);
    this.#take(reference);
  }

  /** The reference in force. */
  get reference(): PvclockReference {
    return {
      tscTimestamp: this.#slots[TIMESTAMP] as bigint,
      systemTime: this.#slots[TIME] as bigint,
      tscToSystemMul: this.#mul,
      tscShift: this.#shift,
    };
  }

  /**
   * Nanoseconds at `tsc`. Hot: unchecked, `tsc` is taken mod 2^64.
   *
   * @param tsc - guest TSC.
   * @returns nanoseconds, WRAPPED at 64 bits; a TSC below the reference gives a huge value.
   */
  read(tsc: GuestTsc): KvmclockNs {
    this.#store(this.#slots, RESULT, tsc);
    return this.#slots[RESULT] as KvmclockNs;
  }

  /**
   * {@link read} with the result left in a slot, so that nothing is allocated.
   *
   * @param out - receives nanoseconds.
   * @param index - the slot of `out`.
   * @param tsc - guest TSC, taken mod 2^64.
   * @throws RangeError for a slot out of range, TypeError for a wrong array.
   */
  readInto(out: BigUint64Array, index: number, tsc: bigint): void {
    checkSlot("PvclockFormula.readInto", out, index);
    this.#store(out, index, tsc);
  }

  /**
   * {@link read} of every element of `tscs`.
   *
   * @param out - receives `tscs.length` readings; may be `tscs` itself.
   * @param tscs - guest TSC values.
   * @throws RangeError when `out` is shorter than `tscs`, TypeError for a wrong type.
   */
  readBatch(out: BigUint64Array, tscs: BigUint64Array): void {
    checkArrays("PvclockFormula.readBatch", out, "tscs", tscs);
    const n = tscs.length;
    for (let i = 0; i < n; i++) this.#store(out, i, tscs[i] as bigint);
  }

  /** The whole state, as plain JSON. */
  state(): PvclockFormulaState {
    const { tscTimestamp, systemTime, tscToSystemMul, tscShift } = this.reference;
    return { tscTimestamp: String(tscTimestamp), systemTime: String(systemTime), tscToSystemMul, tscShift };
  }

  /**
   * A formula that goes on from a saved state.
   *
   * @param state - what {@link state} gave.
   * @returns a formula equal to the saved one.
   * @throws TypeError or RangeError for a member outside its domain.
   */
  static fromState(state: PvclockFormulaState): PvclockFormula {
    const fn = "PvclockFormula.fromState";
    checkObject(fn, "state", state);
    const reference = {
      tscTimestamp: parseU64(fn, "tscTimestamp", state.tscTimestamp),
      systemTime: parseU64(fn, "systemTime", state.systemTime),
      tscToSystemMul: state.tscToSystemMul,
      tscShift: state.tscShift,
    };
    checkReference(fn, reference);
    return new PvclockFormula(reference);
  }

  #store(out: BigUint64Array, index: number, tsc: bigint): void {
    const slots = this.#slots;
    if (this.#isFar) {
      pvScaleInto(out, index, U(64, tsc - (slots[TIMESTAMP] as bigint)), this.#mul, this.#shift);
      out[index] = U(64, (out[index] as bigint) + (slots[TIME] as bigint));
    } else {
      storeReading(out, index, slots, tsc);
    }
  }

  #take({ tscTimestamp, systemTime, tscToSystemMul, tscShift }: PvclockReference): void {
    this.#mul = tscToSystemMul;
    this.#shift = tscShift;
    this.#isFar = tscShift <= NEAREST_FAR_SHIFT;
    const slots = this.#slots;
    slots[TIMESTAMP] = tscTimestamp;
    slots[TIME] = systemTime;
    slots[MUL] = BigInt(tscToSystemMul);
    slots[LEFT] = 1n << BigInt(Math.max(tscShift, 0));
    slots[RIGHT] = 1n << BigInt(32 + Math.max(Math.min(tscShift, 0), -32));
  }
}
