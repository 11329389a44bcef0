/**
 * A software clock over a free-running counter of any width, as drivers use it: nanoseconds, the fraction of one, and the
 * counter value they belong to. Every product WRAPS at 64 bits.
 *
 * Source: `kernel/time/timecounter.c`, `include/linux/timecounter.h`; docs/model/clocksource-tsc §3.5.
 */

import { checkInteger, checkS64, checkU32, checkU64 } from "../argument-checks.js";

const U = BigInt.asUintN;

/** The counter under a {@link TimeCounter} (`struct cyclecounter`). */
export interface CycleCounter {
  /** The counter's mask, u64. */
  readonly mask: bigint;
  /** Unsigned 32-bit. */
  readonly mult: number;
  /** 0 … 63. */
  readonly shift: number;
}

/** A {@link TimeCounter} as plain JSON; u64 are decimal strings. */
export interface TimeCounterState {
  readonly mask: string;
  readonly mult: number;
  readonly shift: number;
  readonly cycleLast: string;
  readonly nsec: string;
  readonly frac: string;
}

/**
 * Nanoseconds accumulated from a free-running counter.
 *
 * @example
 * const clock = new TimeCounter({ mask: 0xffffffffn, mult: 73, shift: 8 }, 0xfffffff0n, 1000n);
 * clock.read(0x10n) // => 1009n
 * clock.cycToTime(0x8n) // => 1007n
 */
export class TimeCounter {
  readonly counter: CycleCounter;
  #cycleLast: bigint;
  #nsec: bigint;
  #frac = 0n;

  /**
   * @param counter - width and rate of the counter.
   * @param cycles - the counter's value now, u64.
   * @param startNs - the time it stands for, ns, u64.
   * @throws TypeError or RangeError for an argument outside its width.
   * Source: `timecounter_init`.
   */
  constructor(counter: CycleCounter, cycles: bigint, startNs: bigint) {
    checkU64("TimeCounter", "mask", counter.mask);
    checkU32("TimeCounter", "mult", counter.mult);
    checkInteger("TimeCounter", "shift", counter.shift, 0, 63);
    checkU64("TimeCounter", "cycles", cycles);
    checkU64("TimeCounter", "startNs", startNs);
    this.counter = { mask: counter.mask, mult: counter.mult, shift: counter.shift };
    this.#cycleLast = cycles;
    this.#nsec = startNs;
  }

  /** Nanoseconds at {@link cycleLast}, u64. */
  get nsec(): bigint {
    return this.#nsec;
  }

  /** Fraction of a nanosecond at {@link cycleLast}, in units of 2^−shift. */
  get frac(): bigint {
    return this.#frac;
  }

  /** The counter value the time was last brought up to, u64. */
  get cycleLast(): bigint {
    return this.#cycleLast;
  }

  /**
   * Brings the time up to a counter value.
   *
   * @param cycles - the counter's value now, u64; any difference counts as forward, so read at least once per wrap.
   * @returns nanoseconds, u64.
   * @throws TypeError or RangeError unless `cycles` is a u64.
   * Source: `timecounter_read`.
   */
  read(cycles: bigint): bigint {
    checkU64("TimeCounter.read", "cycles", cycles);
    const { mult, shift } = this.counter;
    const fine = U(64, this.#cyclesSince(cycles) * BigInt(mult) + this.#frac);
    this.#frac = U(shift, fine);
    this.#nsec = U(64, this.#nsec + (fine >> BigInt(shift)));
    this.#cycleLast = cycles;
    return this.#nsec;
  }

  /**
   * The time of a counter value near the last one read, before or after it; nothing advances.
   *
   * @param stamp - a counter value, u64: up to half the mask ahead, else it is taken as old.
   * @returns nanoseconds, u64.
   * @throws TypeError or RangeError unless `stamp` is a u64.
   * Source: `timecounter_cyc2time`.
   */
  cycToTime(stamp: bigint): bigint {
    checkU64("TimeCounter.cycToTime", "stamp", stamp);
    const { mask, mult, shift } = this.counter;
    const ahead = this.#cyclesSince(stamp);
    if (ahead <= mask / 2n) {
      return U(64, this.#nsec + (U(64, ahead * BigInt(mult) + this.#frac) >> BigInt(shift)));
    }
    const behind = (this.#cycleLast - stamp) & mask;
    return U(64, this.#nsec - (U(64, behind * BigInt(mult) - this.#frac) >> BigInt(shift)));
  }

  /**
   * Steps the time; counter value and fraction stay.
   *
   * @param deltaNs - nanoseconds, signed 64-bit; the sum wraps mod 2^64.
   * @throws TypeError or RangeError unless `deltaNs` is a s64.
   * Source: `timecounter_adjtime`.
   */
  adjtime(deltaNs: bigint): void {
    checkS64("TimeCounter.adjtime", "deltaNs", deltaNs);
    this.#nsec = U(64, this.#nsec + deltaNs);
  }

  /** The whole state, as plain JSON. */
  state(): TimeCounterState {
    return {
      mask: String(this.counter.mask),
      mult: this.counter.mult,
      shift: this.counter.shift,
      cycleLast: String(this.#cycleLast),
      nsec: String(this.#nsec),
      frac: String(this.#frac),
    };
  }

  /**
   * A time counter that goes on from a saved state.
   *
   * @param state - what {@link state} gave.
   * @returns a counter equal to the saved one.
   * @throws TypeError, RangeError or SyntaxError for a member that is no number of its width.
   */
  static fromState(state: TimeCounterState): TimeCounter {
    const { mult, shift } = state;
    const clock = new TimeCounter(
      { mask: BigInt(state.mask), mult, shift },
      BigInt(state.cycleLast),
      BigInt(state.nsec),
    );
    const frac = BigInt(state.frac);
    if (U(clock.counter.shift, frac) !== frac) {
      throw new RangeError(
        `TimeCounter.fromState: expected frac in 0 … 2^${clock.counter.shift} − 1, got ${frac}`,
      );
    }
    clock.#frac = frac;
    return clock;
  }

  #cyclesSince(cycles: bigint): bigint {
    return (cycles - this.#cycleLast) & this.counter.mask;
  }
}
