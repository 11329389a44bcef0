import type { HostClock, HostTsc, MonotonicNs } from "@chronovisor/clocksource";
import type { Engine } from "./engine.js";

const PPB = 1_000_000_000n;

/**
 * CLOCK_MONOTONIC at a settable rate against the host TSC: `mono(h) = ⌊h · (10^9 + ppb) / f⌋`, exact over any number of
 * rate changes because the fraction of a nanosecond is carried in units of 1/f (docs/model/scenarios-lapic §S000.0).
 */
export class FixedRateClock implements HostClock {
  readonly #engine: Engine;
  readonly #hz: bigint;
  #rate: bigint;
  /** Start of the current rate: `#baseTsc` is `#baseNs` and `#baseFraction / f` nanoseconds. */
  #baseTsc: HostTsc;
  #baseNs: bigint;
  #baseFraction = 0n;
  // The kernel reads the clock several times within one event; a division each would be most of a tick's cost.
  #readTsc: HostTsc;
  #readNs: MonotonicNs;
  #dueNs: bigint | undefined;
  #dueTsc: HostTsc;

  /**
   * @param engine - whose axis is read.
   * @param hz - the TSC's actual frequency, at least 1.
   * @param ratePpb - rate error of the clock in parts per 10^9, above −10^9.
   * @param startNs - its reading now.
   */
  constructor(engine: Engine, hz: bigint, ratePpb: bigint, startNs: bigint) {
    if (hz < 1n) throw new RangeError(`FixedRateClock: expected a frequency of at least 1 Hz, got ${hz}`);
    this.#engine = engine;
    this.#hz = hz;
    this.#rate = FixedRateClock.#rateOf(ratePpb);
    this.#baseTsc = engine.now;
    this.#baseNs = startNs;
    this.#readTsc = engine.now;
    this.#readNs = startNs as MonotonicNs;
    this.#dueTsc = engine.now;
  }

  static #rateOf(ppb: bigint): bigint {
    if (ppb <= -PPB) throw new RangeError(`FixedRateClock: expected a rate above -${PPB} ppb, got ${ppb}`);
    return PPB + ppb;
  }

  monotonicNs(): MonotonicNs {
    const tsc = this.#engine.now;
    if (tsc !== this.#readTsc) {
      this.#readTsc = tsc;
      this.#readNs = this.at(tsc);
    }
    return this.#readNs;
  }

  tsc(): HostTsc {
    return this.#engine.now;
  }

  sample(): { monotonicNs: MonotonicNs; tsc: HostTsc } {
    return { monotonicNs: this.monotonicNs(), tsc: this.#engine.now };
  }

  /** The reading at host TSC `tsc`, which is not before the last rate change. */
  at(tsc: HostTsc): MonotonicNs {
    const scaled = (tsc - this.#baseTsc) * this.#rate + this.#baseFraction;
    return (this.#baseNs + scaled / this.#hz) as MonotonicNs;
  }

  /** The first host TSC at which the clock reads `ns` or more, at the present rate. */
  firstTscAt(ns: bigint): HostTsc {
    if (ns !== this.#dueNs) {
      const units = (ns - this.#baseNs) * this.#hz - this.#baseFraction;
      const cycles = units <= 0n ? 0n : (units + this.#rate - 1n) / this.#rate;
      this.#dueNs = ns;
      this.#dueTsc = (this.#baseTsc + cycles) as HostTsc;
    }
    return this.#dueTsc;
  }

  /** From now on the clock runs `ratePpb` off. What it reads now is unchanged, to the fraction. */
  setRate(ratePpb: bigint): void {
    const rate = FixedRateClock.#rateOf(ratePpb);
    const now = this.#engine.now;
    const scaled = (now - this.#baseTsc) * this.#rate + this.#baseFraction;
    this.#baseNs += scaled / this.#hz;
    this.#baseFraction = scaled % this.#hz;
    this.#baseTsc = now;
    this.#rate = rate;
    this.#dueNs = undefined;
  }
}
