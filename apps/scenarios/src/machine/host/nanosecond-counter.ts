import type { HostTsc } from "@chronovisor/clocksource";
import type { HostCounter } from "./host-counter.js";

const PPB = 1_000_000_000n;
const U = BigInt.asUintN;

/** Slots of the anchor: a counter's constants and where it last took its bearings, so that what is near costs no wide product. */
const HZ = 0;
const RATE = 1;
/** At this host TSC the count is ANCHOR_NS, and ANCHOR_FRACTION / f of a nanosecond. */
const ANCHOR_TSC = 2;
const ANCHOR_NS = 3;
const ANCHOR_FRACTION = 4;
/** Host cycles, or nanoseconds, from the anchor to what is asked for, mod 2^64; then the answer. */
const DISTANCE = 5;
const RESULT = 6;
const SLOTS = 7;

/** Where the high word of a 64-bit slot lies: 1 on every little-endian machine. */
const HIGH: 0 | 1 = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;
/** Distances, and factors whose product with one fits 64 bits, are below it. */
const NARROW = 2n ** 32n;
const U64_END = 2n ** 64n;

/**
 * A counter of nanoseconds at a settable rate against the host TSC: `count(h) = ⌊h · (10^9 + ppb) / f⌋`, exact over any
 * number of rate changes because the fraction of a nanosecond is carried in units of 1/f
 * (docs/model/scenarios-lapic §S000.0). It stands for a clocksource that is not the TSC.
 */
export class NanosecondCounter implements HostCounter {
  readonly #hz: bigint;
  #rate: bigint;
  /** Start of the current rate: `#baseTsc` is `#baseNs` and `#baseFraction / f` nanoseconds. */
  #baseTsc: HostTsc;
  #baseNs = 0n;
  #baseFraction = 0n;
  readonly #slots = new BigUint64Array(SLOTS);
  readonly #words = new Uint32Array(this.#slots.buffer);
  /** Whether all that is near the anchor is computed within 64 bits. */
  #isNarrow = false;

  /**
   * @param start - host TSC at which it reads 0.
   * @param hz - the TSC's actual frequency, at least 1.
   * @param ratePpb - rate error of the counter in parts per 10^9, above −10^9.
   */
  constructor(start: HostTsc, hz: bigint, ratePpb: bigint) {
    if (hz < 1n) throw new RangeError(`NanosecondCounter: expected a frequency of at least 1 Hz, got ${hz}`);
    this.#hz = hz;
    this.#rate = NanosecondCounter.#rateOf(ratePpb);
    this.#baseTsc = start;
    this.#anchorAt(start);
  }

  static #rateOf(ppb: bigint): bigint {
    if (ppb <= -PPB) throw new RangeError(`NanosecondCounter: expected a rate above -${PPB} ppb, got ${ppb}`);
    return PPB + ppb;
  }

  /** The count at host TSC `tsc`, which is not before the last rate change. */
  read(tsc: HostTsc): bigint {
    const s = this.#slots;
    s[DISTANCE] = U(64, tsc - (s[ANCHOR_TSC] as bigint));
    if (!this.#isNarrow || this.#words[2 * DISTANCE + HIGH] !== 0) return this.#readFar(tsc);
    const units = U(
      64,
      U(64, (s[DISTANCE] as bigint) * (s[RATE] as bigint)) + (s[ANCHOR_FRACTION] as bigint),
    );
    s[RESULT] = U(64, (s[ANCHOR_NS] as bigint) + U(64, units / (s[HZ] as bigint)));
    return s[RESULT] as bigint;
  }

  /** The first host TSC at which it counts `count` or more, at the present rate. */
  firstTscAt(count: bigint): HostTsc {
    const s = this.#slots;
    s[DISTANCE] = U(64, U(64, count - (s[ANCHOR_NS] as bigint)) - 1n);
    if (!this.#isNarrow || this.#words[2 * DISTANCE + HIGH] !== 0) return this.#firstTscFar(count);
    const ns = U(64, (s[DISTANCE] as bigint) + 1n);
    const units = U(64, U(64, ns * (s[HZ] as bigint)) - (s[ANCHOR_FRACTION] as bigint));
    const rate = s[RATE] as bigint;
    s[RESULT] = U(64, (s[ANCHOR_TSC] as bigint) + U(64, U(64, U(64, units + rate) - 1n) / rate));
    return s[RESULT] as HostTsc;
  }

  /** From `now` on it runs `ratePpb` off. What it counts now is unchanged, to the fraction. */
  setRate(now: HostTsc, ratePpb: bigint): void {
    const rate = NanosecondCounter.#rateOf(ratePpb);
    const scaled = this.#scaled(now);
    this.#baseNs += scaled / this.#hz;
    this.#baseFraction = scaled % this.#hz;
    this.#baseTsc = now;
    this.#rate = rate;
    this.#anchorAt(now);
  }

  /** `count = tsc · mult / 2^shift` now, to the precision of 32 bits. */
  multiplier(): { readonly mult: number; readonly shift: number } {
    for (let shift = 31; ; shift--) {
      const mult = (this.#rate << BigInt(shift)) / this.#hz;
      if (mult < 2n ** 32n || shift === 0) return { mult: Number(BigInt.asUintN(32, mult)), shift };
    }
  }

  /** An instant that is not near the anchor; the anchor follows it, but never back: what is past is asked for rarely. */
  #readFar(tsc: HostTsc): bigint {
    if (tsc > (this.#slots[ANCHOR_TSC] as bigint)) this.#anchorAt(tsc);
    return this.#baseNs + this.#scaled(tsc) / this.#hz;
  }

  #firstTscFar(count: bigint): HostTsc {
    const units = (count - this.#baseNs) * this.#hz - this.#baseFraction;
    const cycles = units <= 0n ? 0n : (units + this.#rate - 1n) / this.#rate;
    return (this.#baseTsc + cycles) as HostTsc;
  }

  /** What was counted from the base to `tsc`, in units of 1/f nanoseconds. */
  #scaled(tsc: HostTsc): bigint {
    return (tsc - this.#baseTsc) * this.#rate + this.#baseFraction;
  }

  /** Exact: an anchor carries its fraction, so what is computed from it is what the base gives. */
  #anchorAt(tsc: HostTsc): void {
    const s = this.#slots;
    const hz = this.#hz;
    const rate = this.#rate;
    const scaled = this.#scaled(tsc);
    const ns = this.#baseNs + scaled / hz;
    s[HZ] = hz;
    s[RATE] = rate;
    s[ANCHOR_TSC] = tsc;
    s[ANCHOR_NS] = ns;
    s[ANCHOR_FRACTION] = scaled % hz;
    const farthestNs = ns + (NARROW * rate) / hz;
    const farthestTsc = tsc + (NARROW * hz) / rate;
    this.#isNarrow = hz < NARROW && rate < NARROW && farthestNs < U64_END && farthestTsc < U64_END;
  }
}
