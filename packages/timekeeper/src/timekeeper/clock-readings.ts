/**
 * What every CLOCK_* reads. All five come from two read bases that share counter and shift: MONOTONIC, which NTP steers,
 * and RAW. BOOTTIME, REALTIME and TAI are MONOTONIC plus an offset.
 *
 * Source: `kernel/time/timekeeping.c:ktime_get` and its siblings; docs/model/timekeeping-ntp §1, clocksource-tsc §3.3.
 */

import type {
  BoottimeNs,
  ClockRate,
  MonotonicNs,
  MonotonicRawNs,
  RealtimeNs,
  TaiNs,
} from "@chronovisor/clocksource";
import { checkArrays, checkS64, checkSlot, checkU64 } from "../argument-checks.js";
import type { TimekeeperCore } from "./core.js";
import {
  BASE,
  type ClockSlot,
  CYCLE_LAST,
  MASK,
  MONO,
  MULT,
  NSEC,
  OFFS_BOOT,
  OFFS_REAL,
  OFFS_TAI,
  RAW,
  RESULT,
  SHIFT,
} from "./slots.js";
import { lowWord, storeReading } from "./timekeeper-kernels.js";

const U = BigInt.asUintN;
const S = BigInt.asIntN;
const U64_MAX = 2n ** 64n - 1n;

/** The reading half of a Timekeeper. */
export class ClockReadings {
  /** Reads the counter. A suspended host's stands still. */
  protected counter: () => bigint;
  readonly #slots: BigUint64Array;
  readonly #words: Uint32Array;

  constructor(core: TimekeeperCore, counter: () => bigint) {
    this.#slots = core.slots;
    this.#words = core.words;
    this.counter = counter;
  }

  /** CLOCK_MONOTONIC now, ns (`ktime_get`). Reads the counter once; hot, nothing is checked. */
  monotonicNs(): MonotonicNs {
    const slots = this.#slots;
    storeReading(slots, RESULT, slots, this.#words, MONO, this.counter());
    return S(64, slots[RESULT] as bigint) as MonotonicNs;
  }

  /** CLOCK_MONOTONIC_RAW now, ns (`ktime_get_raw`). Reads the counter once; hot, nothing is checked. */
  rawNs(): MonotonicRawNs {
    const slots = this.#slots;
    storeReading(slots, RESULT, slots, this.#words, RAW, this.counter());
    return S(64, slots[RESULT] as bigint) as MonotonicRawNs;
  }

  /** CLOCK_BOOTTIME now, ns (`ktime_get_boottime`). Reads the counter once. */
  boottimeNs(): BoottimeNs {
    return this.#offset(OFFS_BOOT, this.counter()) as BoottimeNs;
  }

  /** CLOCK_REALTIME now, ns since 1970 (`ktime_get_real`). Reads the counter once. */
  realtimeNs(): RealtimeNs {
    return this.#offset(OFFS_REAL, this.counter()) as RealtimeNs;
  }

  /** CLOCK_TAI now, ns (`ktime_get_clocktai`). Reads the counter once. */
  taiNs(): TaiNs {
    return this.#offset(OFFS_TAI, this.counter()) as TaiNs;
  }

  /**
   * CLOCK_MONOTONIC at a counter value.
   *
   * Before the last accumulation the clock stands still, a difference beyond `maxCycles` is converted the wide way; with
   * `cyclesToNs: "unsigned"` it WRAPS instead (docs/model/clocksource-tsc §3.3). While the host is suspended every counter
   * value reads the same.
   *
   * @param cycles - counter value, u64.
   * @returns ns, s64.
   * @throws TypeError or RangeError unless `cycles` is a u64.
   */
  monotonicAt(cycles: bigint): MonotonicNs {
    checkU64("Timekeeper.monotonicAt", "cycles", cycles);
    return this.#plain(MONO, cycles) as MonotonicNs;
  }

  /** CLOCK_MONOTONIC_RAW at a counter value; otherwise as {@link monotonicAt}. */
  rawAt(cycles: bigint): MonotonicRawNs {
    checkU64("Timekeeper.rawAt", "cycles", cycles);
    return this.#plain(RAW, cycles) as MonotonicRawNs;
  }

  /** CLOCK_BOOTTIME at a counter value; otherwise as {@link monotonicAt}. */
  boottimeAt(cycles: bigint): BoottimeNs {
    checkU64("Timekeeper.boottimeAt", "cycles", cycles);
    return this.#offset(OFFS_BOOT, cycles) as BoottimeNs;
  }

  /** CLOCK_REALTIME at a counter value; otherwise as {@link monotonicAt}. */
  realtimeAt(cycles: bigint): RealtimeNs {
    checkU64("Timekeeper.realtimeAt", "cycles", cycles);
    return this.#offset(OFFS_REAL, cycles) as RealtimeNs;
  }

  /** CLOCK_TAI at a counter value; otherwise as {@link monotonicAt}. */
  taiAt(cycles: bigint): TaiNs {
    checkU64("Timekeeper.taiAt", "cycles", cycles);
    return this.#offset(OFFS_TAI, cycles) as TaiNs;
  }

  /**
   * {@link monotonicAt} with the result left in a slot, so that nothing is allocated.
   *
   * @param out - receives ns mod 2^64.
   * @param index - the slot of `out`.
   * @param cycles - counter value, taken mod 2^64.
   * @throws RangeError for a slot out of range, TypeError for a wrong array.
   */
  monotonicInto(out: BigUint64Array, index: number, cycles: bigint): void {
    checkSlot("Timekeeper.monotonicInto", out, index);
    storeReading(out, index, this.#slots, this.#words, MONO, cycles);
  }

  /**
   * {@link monotonicAt} of every element of `cycles`.
   *
   * @param out - receives `cycles.length` readings, ns mod 2^64; may be `cycles` itself.
   * @param cycles - counter values.
   * @throws RangeError when `out` is shorter than `cycles`, TypeError for a wrong type.
   */
  monotonicBatch(out: BigUint64Array, cycles: BigUint64Array): void {
    checkArrays("Timekeeper.monotonicBatch", out, cycles);
    const n = cycles.length;
    for (let i = 0; i < n; i++) storeReading(out, i, this.#slots, this.#words, MONO, cycles[i] as bigint);
  }

  /** As {@link monotonicInto}, for CLOCK_MONOTONIC_RAW. */
  rawInto(out: BigUint64Array, index: number, cycles: bigint): void {
    checkSlot("Timekeeper.rawInto", out, index);
    storeReading(out, index, this.#slots, this.#words, RAW, cycles);
  }

  /** As {@link monotonicBatch}, for CLOCK_MONOTONIC_RAW. */
  rawBatch(out: BigUint64Array, cycles: BigUint64Array): void {
    checkArrays("Timekeeper.rawBatch", out, cycles);
    const n = cycles.length;
    for (let i = 0; i < n; i++) storeReading(out, i, this.#slots, this.#words, RAW, cycles[i] as bigint);
  }

  /**
   * The first counter value, from the last accumulation on, at which CLOCK_MONOTONIC reads `ns` or more if its rate stays:
   * when an ideal timer device would fire.
   *
   * The counter is taken to count on past its mask, and the product not to wrap: a timer's owner asks again when the rate
   * changes, and that happens at ticks, long before either.
   *
   * @param ns - s64.
   * @returns counter value, u64; 2^64−1 for what lies beyond the counter, or when the clock stands still.
   * @throws TypeError or RangeError unless `ns` is an s64.
   */
  monotonicCounterAt(ns: bigint): bigint {
    checkS64("Timekeeper.monotonicCounterAt", "ns", ns);
    return this.#counterAt(MONO, ns);
  }

  /** As {@link monotonicCounterAt}, for CLOCK_MONOTONIC_RAW. */
  rawCounterAt(ns: bigint): bigint {
    checkS64("Timekeeper.rawCounterAt", "ns", ns);
    return this.#counterAt(RAW, ns);
  }

  /** How the counter becomes time at this moment. */
  rate(): ClockRate {
    const words = this.#words;
    return {
      monoMult: lowWord(words, MONO + MULT),
      rawMult: lowWord(words, RAW + MULT),
      shift: lowWord(words, SHIFT),
    };
  }

  #plain(clock: ClockSlot, cycles: bigint): bigint {
    const slots = this.#slots;
    storeReading(slots, RESULT, slots, this.#words, clock, cycles);
    return S(64, slots[RESULT] as bigint);
  }

  #offset(from: number, cycles: bigint): bigint {
    const slots = this.#slots;
    storeReading(slots, RESULT, slots, this.#words, MONO, cycles);
    return S(64, U(64, (slots[RESULT] as bigint) + (slots[from] as bigint)));
  }

  #counterAt(clock: ClockSlot, ns: bigint): bigint {
    const slots = this.#slots;
    const cycleLast = slots[CYCLE_LAST] as bigint;
    const mult = slots[clock + MULT] as bigint;
    const ahead = ns - S(64, slots[clock + BASE] as bigint);
    const shifted = (ahead << (slots[SHIFT] as bigint)) - (slots[clock + NSEC] as bigint);
    if (shifted <= 0n) return cycleLast;
    if (mult === 0n || slots[MASK] === 0n) return U64_MAX;
    const at = cycleLast + (shifted + mult - 1n) / mult;
    return at < U64_MAX ? at : U64_MAX;
  }
}
