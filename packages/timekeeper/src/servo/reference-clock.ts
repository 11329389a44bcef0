import { checkFunction, checkInteger, checkObject, checkOneOf, checkS64 } from "../argument-checks.js";
import { drawDelayNs, type JitterDistribution, type RandomSource } from "./random-source.js";
import type { OffsetMeasurement, TimeReference } from "./seams.js";
import { checkDurationNs } from "./servo-checks.js";
import { divideDown } from "./signed-division.js";

/**
 * A time server behind a network, as an NTP client sees it.
 *
 * A request takes `out` to the server and the answer `back` from it. The client stamps T1 and T4, the server T2 = T3, and
 *
 *     offset = (T2 − T1 + T3 − T4) / 2 = reference − clock + (out − back) / 2        delay = out + back
 *
 * so the error of a measurement is half the difference of the two ways, and never more than half the delay. Each way is a
 * shortest time plus what queueing adds, drawn anew per measurement: jitter can exceed the shortest round trip.
 */

const PPB = 1_000_000_000n;
const MAX_FREQUENCY_PPB = 999_999_999;

/** What a {@link ReferenceClock} is made of. */
export interface ReferenceClockOptions {
  /** True time, ns since 1970-01-01T00:00:00Z. */
  readonly trueNs: () => bigint;
  /** Reference − true time at `sinceNs`, ns, signed 64-bit. Default 0. */
  readonly offsetNs?: bigint;
  /** How much faster than true time the reference runs, parts per 10^9, −999 999 999 … 999 999 999. Default 0. */
  readonly frequencyPpb?: number;
  /** True time from which `frequencyPpb` counts, signed 64-bit. Default 0, which is 1970. */
  readonly sinceNs?: bigint;
  /** Shortest round trip, with nothing queued, 0 … 2^55 ns. Default 0. */
  readonly roundTripNs?: bigint;
  /** Shortest way there − shortest way back, ns, within ±`roundTripNs`; half of it is a lasting error. Default 0. */
  readonly asymmetryNs?: bigint;
  /** Most that queueing adds to one way, 0 … 2^55 ns: measurements scatter by ± half of it. Default 0. */
  readonly jitterNs?: bigint;
  /** How it is spread. Default `uniform`, which spreads the error of a measurement as a triangle. */
  readonly distribution?: JitterDistribution;
  /** Draws the jitter: first the way there, then the way back. Needed when `jitterNs` is above 0. */
  readonly random?: RandomSource;
}

/**
 * True time with an offset, a frequency error, and a network in front of it. All arithmetic is exact in integers; the only
 * chance is the one passed in, whose state is the only state there is.
 *
 * Both clocks are read once, when the answer arrives (T4); T1 and T2 are counted back from there at the nominal rate. What
 * the two would drift apart during the exchange is left out: 5 µs for 100 ppm and a round trip of 50 ms.
 *
 * @throws RangeError for a value outside its domain, an asymmetry beyond the round trip, or jitter without `random`; TypeError
 *   for one of another type.
 * @example
 * const reference = new ReferenceClock({ trueNs: () => 5_000n, offsetNs: 300n, roundTripNs: 80n, asymmetryNs: 20n });
 * reference.realtimeNs() // => 5300n
 * reference.measure({ realtimeNs: () => 4_800n }) // => { offsetNs: 510n, delayNs: 80n }
 */
export class ReferenceClock implements TimeReference {
  readonly #trueNs: () => bigint;
  readonly #offsetNs: bigint;
  readonly #frequencyPpb: bigint;
  readonly #sinceNs: bigint;
  readonly #shortestOutNs: bigint;
  readonly #shortestBackNs: bigint;
  readonly #draw: () => bigint;

  constructor(options: ReferenceClockOptions) {
    const fn = "ReferenceClock";
    checkObject(fn, "options", options);
    const { trueNs, offsetNs = 0n, frequencyPpb = 0, sinceNs = 0n } = options;
    checkFunction(fn, "trueNs", trueNs);
    checkS64(fn, "offsetNs", offsetNs);
    checkInteger(fn, "frequencyPpb", frequencyPpb, -MAX_FREQUENCY_PPB, MAX_FREQUENCY_PPB);
    checkS64(fn, "sinceNs", sinceNs);
    const { roundTripNs = 0n, asymmetryNs = 0n } = options;
    checkDurationNs(fn, "roundTripNs", roundTripNs, 0n);
    checkS64(fn, "asymmetryNs", asymmetryNs);
    if (asymmetryNs > roundTripNs || -asymmetryNs > roundTripNs) {
      throw new RangeError(`${fn}: expected asymmetryNs within ±${roundTripNs} ns, got ${asymmetryNs}`);
    }
    this.#trueNs = trueNs;
    this.#offsetNs = offsetNs;
    this.#frequencyPpb = BigInt(frequencyPpb);
    this.#sinceNs = sinceNs;
    this.#shortestOutNs = (roundTripNs + asymmetryNs) / 2n;
    this.#shortestBackNs = roundTripNs - this.#shortestOutNs;
    this.#draw = queueing(fn, options);
  }

  /**
   * What the reference shows now: true time + offset + drift, the drift rounded down.
   *
   * @returns ns since 1970.
   * @throws TypeError or RangeError if `trueNs` answers anything but an s64.
   */
  realtimeNs(): bigint {
    const trueNs = this.#trueNs();
    checkS64("ReferenceClock", "trueNs()", trueNs);
    const drift = divideDown((trueNs - this.#sinceNs) * this.#frequencyPpb, PPB);
    return trueNs + this.#offsetNs + drift.quotient;
  }

  /**
   * One exchange, answered now.
   *
   * @param clock - the client's clock, read once.
   * @returns reference − clock as the client works it out, rounded down, with half the asymmetry and jitter in it.
   * @throws TypeError or RangeError for a clock that is none, or if it or `trueNs` answers anything but an s64, or `random`
   *   anything but 32 bits.
   */
  measure(clock: { realtimeNs(): bigint }): OffsetMeasurement {
    const fn = "ReferenceClock.measure";
    checkObject(fn, "clock", clock);
    checkFunction(fn, "clock.realtimeNs", clock.realtimeNs);
    const outNs = this.#shortestOutNs + this.#draw();
    const backNs = this.#shortestBackNs + this.#draw();
    const delayNs = outNs + backNs;
    const receivedNs = clock.realtimeNs();
    checkS64(fn, "clock.realtimeNs()", receivedNs);
    const sentNs = receivedNs - delayNs;
    const servedNs = this.realtimeNs() - backNs;
    return { offsetNs: (2n * servedNs - sentNs - receivedNs) >> 1n, delayNs };
  }
}

function queueing(fn: string, options: ReferenceClockOptions): () => bigint {
  const { jitterNs = 0n, distribution = "uniform", random } = options;
  checkDurationNs(fn, "jitterNs", jitterNs, 0n);
  checkOneOf(fn, "distribution", distribution, ["uniform", "triangular"]);
  if (random === undefined) {
    if (jitterNs === 0n) return () => 0n;
    throw new RangeError(`${fn}: expected a random source for jitterNs above 0, got ${jitterNs} and none`);
  }
  checkObject(fn, "random", random);
  checkFunction(fn, "random.nextU32", random.nextU32);
  return () => drawDelayNs(random, distribution, jitterNs);
}
