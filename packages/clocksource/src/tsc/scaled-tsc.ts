/**
 * A guest counter over a host counter, and nanoseconds to guest cycles: the arithmetic of a vCPU's TSC without its policy.
 *
 *     guest TSC    = l1Offset + scaleTsc(host TSC, l1Ratio)       mod 2^64
 *     guest cycles = pvScale(ns, virtualTscMult, virtualTscShift)
 *
 * Both run at every simulated timer event. Their constants are computed when ratio, offset or scale is set and kept in one
 * typed array (see tsc-kernels.ts); `readL1` and `nsToCycles` themselves check nothing.
 *
 * Sources: `arch/x86/kvm/x86.c`; docs/model/clocksource-tsc §5.
 */

import {
  checkArrays,
  checkInteger,
  checkOneOf,
  checkS64,
  checkSlot,
  checkU32,
  checkU64,
} from "../argument-checks.js";
import { CLOCKSOURCE_BEHAVIOURS, type ClocksourceBehaviours } from "../behaviours.js";
import type { GuestTsc, HostTsc } from "../time-types.js";
import { POW2 } from "../wide/power-table.js";
import type { TimeScale } from "./time-scale.js";
import {
  type ScaleMode,
  SLOT_COUNT,
  SLOT_LEFT,
  SLOT_MUL,
  SLOT_OFFSET,
  SLOT_RATIO,
  SLOT_RESULT,
  SLOT_RIGHT,
  storeGuestTsc,
  storeNsToCycles,
} from "./tsc-kernels.js";
import { scaleTsc, TSC_SCALING, type TscFractionBits, type TscVendor } from "./tsc-ratio.js";

const U = BigInt.asUintN;
const S = BigInt.asIntN;

/** Where a guest counter was started: a host clock reading and the value written then. */
export interface TscStart {
  /** Host clock at the write, ns, u64 (`this_tsc_nsec`). */
  readonly ns: bigint;
  /** The value written, guest cycles, u64 (`this_tsc_write`). */
  readonly write: bigint;
}

/**
 * How catch-up takes an instant before a counter's start: as one far in the future, in every release; or as one before it
 * (`catchupNegative`, proposed).
 */
export type CatchupDelta = ClocksourceBehaviours["catchupDelta"];

/** A {@link ScaledTsc} as plain JSON; u64 are decimal strings. */
export interface ScaledTscState {
  readonly vendor: TscVendor;
  readonly l1Ratio: string;
  readonly l1Offset: string;
  readonly nsScale: TimeScale;
}

/**
 * A guest counter over a host counter: ratio, offset, and the scale from nanoseconds to guest cycles.
 *
 * @example
 * const scaled = new ScaledTsc("svm", 100n);
 * scaled.writeL1Ratio(2n ** 31n);
 * scaled.readL1(hostTsc(1000n)) // => 600n
 */
export class ScaledTsc {
  readonly vendor: TscVendor;
  /** 48 on VMX, 32 on SVM. */
  readonly fractionBits: TscFractionBits;
  readonly #slots: BigUint64Array = new BigUint64Array(SLOT_COUNT);
  #mode: ScaleMode = 0;
  #scale: TimeScale = { mul: 0, shift: 0 };

  /**
   * Starts at ratio 1.0, with no nanoseconds-to-cycles scale (every conversion gives 0).
   *
   * @param vendor - whose scaling hardware.
   * @param l1Offset - the first offset, u64.
   * @throws TypeError or RangeError for an argument outside its domain.
   */
  constructor(vendor: TscVendor, l1Offset: bigint) {
    checkOneOf("ScaledTsc", "vendor", vendor, ["vmx", "svm"]);
    checkU64("ScaledTsc", "l1Offset", l1Offset);
    this.vendor = vendor;
    const { fractionBits, defaultRatio } = TSC_SCALING[vendor];
    this.fractionBits = fractionBits;
    this.#slots[SLOT_OFFSET] = l1Offset;
    this.#slots[SLOT_RATIO] = defaultRatio;
  }

  /**
   * The guest's L1 TSC at host TSC `tsc`. Hot: unchecked, `tsc` is taken mod 2^64.
   *
   * @param tsc - host cycles.
   * @returns `l1Offset + scaleTsc(tsc, l1Ratio)` mod 2^64.
   * Source: `x86.c:kvm_read_l1_tsc`; docs/model/clocksource-tsc §5.
   */
  readL1(tsc: HostTsc): GuestTsc {
    storeGuestTsc(this.#slots, SLOT_RESULT, this.#slots, this.#mode, tsc);
    return this.#slots[SLOT_RESULT] as GuestTsc;
  }

  /**
   * {@link readL1} with the result left in a slot, so that nothing is allocated.
   *
   * @param out - receives the guest cycles.
   * @param index - the slot of `out`.
   * @param tsc - host cycles, taken mod 2^64.
   * @throws RangeError for a slot out of range, TypeError for a wrong array.
   */
  readL1Into(out: BigUint64Array, index: number, tsc: bigint): void {
    checkSlot("ScaledTsc.readL1Into", out, index);
    storeGuestTsc(out, index, this.#slots, this.#mode, tsc);
  }

  /**
   * {@link readL1} of every element of `input`.
   *
   * @param out - receives `input.length` guest counter values; may be `input` itself.
   * @param input - host counter values.
   * @throws RangeError when `out` is shorter than `input`, TypeError for a wrong type.
   */
  readL1Batch(out: BigUint64Array, input: BigUint64Array): void {
    checkArrays("ScaledTsc.readL1Batch", out, input);
    const n = input.length;
    for (let i = 0; i < n; i++) storeGuestTsc(out, i, this.#slots, this.#mode, input[i] as bigint);
  }

  /**
   * Guest cycles in `ns` nanoseconds at the frequency the scale was set for, truncated. Hot: unchecked, `ns` is taken mod 2^64, so a
   * negative number of nanoseconds becomes a huge one, as in the kernel.
   *
   * @param ns - nanoseconds.
   * @returns cycles, u64; 0 while no frequency is set.
   * Source: `x86.h:nsec_to_cycles`; docs/model/clocksource-tsc §6.3.
   */
  nsToCycles(ns: bigint): bigint {
    storeNsToCycles(this.#slots, SLOT_RESULT, this.#slots, ns);
    return this.#slots[SLOT_RESULT] as bigint;
  }

  /**
   * {@link nsToCycles} with the result left in a slot, so that nothing is allocated.
   *
   * @param out - receives the cycles.
   * @param index - the slot of `out`.
   * @param ns - nanoseconds, taken mod 2^64.
   * @throws RangeError for a slot out of range, TypeError for a wrong array.
   */
  nsToCyclesInto(out: BigUint64Array, index: number, ns: bigint): void {
    checkSlot("ScaledTsc.nsToCyclesInto", out, index);
    storeNsToCycles(out, index, this.#slots, ns);
  }

  /**
   * {@link nsToCycles} of every element of `input`.
   *
   * @param out - receives `input.length` results; may be `input` itself.
   * @param input - nanoseconds.
   * @throws RangeError when `out` is shorter than `input`, TypeError for a wrong type.
   */
  nsToCyclesBatch(out: BigUint64Array, input: BigUint64Array): void {
    checkArrays("ScaledTsc.nsToCyclesBatch", out, input);
    const n = input.length;
    for (let i = 0; i < n; i++) storeNsToCycles(out, i, this.#slots, input[i] as bigint);
  }

  /** Multiplier of the ns-to-cycles scale (`virtual_tsc_mult`). */
  get virtualTscMult(): number {
    return this.#scale.mul;
  }

  /** Pre-shift of the ns-to-cycles scale (`virtual_tsc_shift`). */
  get virtualTscShift(): number {
    return this.#scale.shift;
  }

  /** L1's ratio (`l1_tsc_scaling_ratio`). */
  get l1Ratio(): bigint {
    return this.#slots[SLOT_RATIO] as bigint;
  }

  /** L1's offset, u64 bit pattern (`l1_tsc_offset`). */
  get l1Offset(): bigint {
    return this.#slots[SLOT_OFFSET] as bigint;
  }

  /**
   * Writes L1's ratio.
   *
   * @param ratio - unsigned 64-bit fixed-point multiplier.
   * @throws TypeError or RangeError unless `ratio` is a u64.
   */
  writeL1Ratio(ratio: bigint): void {
    checkU64("ScaledTsc.writeL1Ratio", "ratio", ratio);
    this.#slots[SLOT_RATIO] = ratio;
    this.#mode = ratio === TSC_SCALING[this.vendor].defaultRatio ? 0 : this.fractionBits;
  }

  /**
   * Writes L1's offset.
   *
   * @param offset - u64 bit pattern.
   * @throws TypeError or RangeError unless `offset` is a u64.
   */
  writeL1Offset(offset: bigint): void {
    checkU64("ScaledTsc.writeL1Offset", "offset", offset);
    this.#slots[SLOT_OFFSET] = offset;
  }

  /**
   * Sets the scale from nanoseconds to guest cycles (`virtual_tsc_mult`, `virtual_tsc_shift`).
   *
   * @param scale - u32 multiplier and a pre-shift in −32 … 63; every frequency of a u32 kHz gives −19 … 13.
   * @throws TypeError or RangeError for a member outside its width.
   */
  writeNsScale(scale: TimeScale): void {
    checkU32("ScaledTsc.writeNsScale", "mul", scale.mul);
    checkInteger("ScaledTsc.writeNsScale", "shift", scale.shift, -32, 63);
    this.#scale = { mul: scale.mul, shift: scale.shift };
    this.#slots[SLOT_MUL] = BigInt(scale.mul);
    this.#slots[SLOT_LEFT] = POW2[Math.max(scale.shift, 0)] as bigint;
    this.#slots[SLOT_RIGHT] = POW2[32 + Math.min(scale.shift, 0)] as bigint;
  }

  /**
   * The L1 offset that makes the guest read `target` at host TSC `tsc`.
   *
   * @param target - guest cycles, u64.
   * @param tsc - host cycles, u64.
   * @returns the offset, u64 bit pattern, mod 2^64.
   * @throws TypeError or RangeError for an argument outside its width.
   * Source: `x86.c:kvm_compute_l1_tsc_offset`; docs/model/clocksource-tsc §5.
   */
  offsetFor(target: bigint, tsc: HostTsc): bigint {
    checkU64("ScaledTsc.offsetFor", "target", target);
    checkU64("ScaledTsc.offsetFor", "tsc", tsc);
    return U(64, target - scaleTsc(tsc, this.l1Ratio, this.fractionBits));
  }

  /**
   * Moves the guest's counter by `cycles` guest cycles (`adjust_tsc_offset_guest`).
   *
   * @param cycles - signed 64-bit.
   * @throws TypeError or RangeError unless `cycles` is a s64.
   */
  adjustGuest(cycles: bigint): void {
    checkS64("ScaledTsc.adjustGuest", "cycles", cycles);
    this.writeL1Offset(U(64, this.l1Offset + cycles));
  }

  /**
   * Moves the guest's counter by `cycles` HOST cycles (`adjust_tsc_offset_host`). A negative number is scaled as if it were
   * unsigned, which is nonsense with a ratio; the kernel only warns.
   *
   * @param cycles - signed 64-bit.
   * @throws TypeError or RangeError unless `cycles` is a s64.
   * Source: docs/model/clocksource-tsc §6.5.
   */
  adjustHost(cycles: bigint): void {
    checkS64("ScaledTsc.adjustHost", "cycles", cycles);
    this.writeL1Offset(U(64, this.l1Offset + scaleTsc(U(64, cycles), this.l1Ratio, this.fractionBits)));
  }

  /**
   * What the guest TSC should read at `kernelNs`, counted from `start` at the rate of the nanosecond scale. Before `start`
   * the answer is far in the future, as in the kernel, unless the difference is taken as signed.
   *
   * @param start - where a generation began (`this_tsc_nsec`, `this_tsc_write`), both u64.
   * @param kernelNs - reference ns of the clock update, u64.
   * @param delta - default `unsigned`.
   * @returns guest cycles, mod 2^64.
   * @throws TypeError or RangeError for an argument outside its domain.
   * Source: `x86.c:compute_guest_tsc`; docs/model/clocksource-tsc §5.3 and docs/model/pvclock §10 (`catchupNegative`).
   */
  computeGuestTsc(start: TscStart, kernelNs: bigint, delta: CatchupDelta = "unsigned"): GuestTsc {
    checkOneOf("ScaledTsc.computeGuestTsc", "delta", delta, CLOCKSOURCE_BEHAVIOURS.catchupDelta);
    checkU64("ScaledTsc.computeGuestTsc", "kernelNs", kernelNs);
    const { ns, write } = start;
    checkU64("ScaledTsc.computeGuestTsc", "ns", ns);
    checkU64("ScaledTsc.computeGuestTsc", "write", write);
    const elapsedNs = S(64, kernelNs - ns);
    if (delta === "signed" && elapsedNs < 0n) return U(64, write - this.nsToCycles(-elapsedNs)) as GuestTsc;
    return U(64, write + this.nsToCycles(U(64, elapsedNs))) as GuestTsc;
  }

  /** The whole state, as plain JSON. */
  state(): ScaledTscState {
    return {
      vendor: this.vendor,
      l1Ratio: String(this.l1Ratio),
      l1Offset: String(this.l1Offset),
      nsScale: { ...this.#scale },
    };
  }

  /**
   * A counter that goes on from a saved state.
   *
   * @param state - what {@link state} gave.
   * @returns a counter equal to the saved one.
   * @throws TypeError, RangeError or SyntaxError for a member that is no number of its width.
   */
  static fromState(state: ScaledTscState): ScaledTsc {
    const tsc = new ScaledTsc(state.vendor, 0n);
    tsc.restoreScaled(state);
    return tsc;
  }

  /** Takes ratio, offset and scale from a saved state. */
  protected restoreScaled(state: ScaledTscState): void {
    this.writeL1Ratio(BigInt(state.l1Ratio));
    this.writeL1Offset(BigInt(state.l1Offset));
    this.writeNsScale(state.nsScale);
  }
}
