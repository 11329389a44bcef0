import type { HostTsc } from "@chronovisor/clocksource";
import type { HostCounter } from "./host-counter.js";

const PPB = 1_000_000_000n;

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
  }

  static #rateOf(ppb: bigint): bigint {
    if (ppb <= -PPB) throw new RangeError(`NanosecondCounter: expected a rate above -${PPB} ppb, got ${ppb}`);
    return PPB + ppb;
  }

  /** The count at host TSC `tsc`, which is not before the last rate change. */
  read(tsc: HostTsc): bigint {
    return this.#baseNs + ((tsc - this.#baseTsc) * this.#rate + this.#baseFraction) / this.#hz;
  }

  /** The first host TSC at which it counts `count` or more, at the present rate. */
  firstTscAt(count: bigint): HostTsc {
    const units = (count - this.#baseNs) * this.#hz - this.#baseFraction;
    const cycles = units <= 0n ? 0n : (units + this.#rate - 1n) / this.#rate;
    return (this.#baseTsc + cycles) as HostTsc;
  }

  /** From `now` on it runs `ratePpb` off. What it counts now is unchanged, to the fraction. */
  setRate(now: HostTsc, ratePpb: bigint): void {
    const rate = NanosecondCounter.#rateOf(ratePpb);
    const scaled = (now - this.#baseTsc) * this.#rate + this.#baseFraction;
    this.#baseNs += scaled / this.#hz;
    this.#baseFraction = scaled % this.#hz;
    this.#baseTsc = now;
    this.#rate = rate;
  }

  /** `count = tsc · mult / 2^shift` now, to the precision of 32 bits. */
  multiplier(): { readonly mult: number; readonly shift: number } {
    for (let shift = 31; ; shift--) {
      const mult = (this.#rate << BigInt(shift)) / this.#hz;
      if (mult < 2n ** 32n || shift === 0) return { mult: Number(BigInt.asUintN(32, mult)), shift };
    }
  }
}
