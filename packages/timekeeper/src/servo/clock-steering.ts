import { checkObject, parseS64 } from "../argument-checks.js";
import { ADJ_FREQUENCY, ADJ_OFFSET, ADJ_STATUS, ADJ_TICK } from "../ntp/modes.js";
import { STA_PLL, STA_UNSYNC } from "../ntp/status.js";
import { joinRate, RATE_ONE, splitRate, type TickAndFreq } from "./rate.js";
import type { SteerableClock } from "./seams.js";
import { parseWhole } from "./servo-checks.js";
import { setOffset } from "./set-offset.js";

/** A steering as plain data. */
export interface ClockSteeringState {
  /** ppm × 2^16. */
  readonly rate: string;
  /** Servo axis, ns. */
  readonly sinceNs: string;
  /** ns × 65 536 000 000. */
  readonly correction: string;
}

/**
 * The hand on the clock, and the account of what it did: `correction` is how far the clock was moved against an unsteered
 * one since steering began, by rates and by steps, exactly. Adding it to a measured offset gives the offset the unsteered
 * clock would have, whose slope is the clock's own frequency error however often the rate was changed in between.
 */
export class ClockSteering {
  readonly #clock: SteerableClock;
  #rate: bigint;
  #sinceNs: bigint;
  #correction: bigint;

  private constructor(clock: SteerableClock, rate: bigint, sinceNs: bigint, correction: bigint) {
    this.#clock = clock;
    this.#rate = rate;
    this.#sinceNs = sinceNs;
    this.#correction = correction;
  }

  /** Takes the clock over: drops what the kernel's own loop has left to slew, turns that off, keeps tick and frequency. */
  static takeOver(clock: SteerableClock, nowNs: bigint): ClockSteering {
    // Without STA_PLL the kernel ignores ADJ_OFFSET, so the loop is turned on to be emptied.
    clock.adjtimex({ modes: ADJ_STATUS | ADJ_OFFSET, status: STA_PLL | STA_UNSYNC, offset: 0n });
    const found = clock.adjtimex({ modes: ADJ_STATUS, status: STA_UNSYNC });
    return new ClockSteering(clock, joinRate(found), nowNs, 0n);
  }

  /** The rate in force, ppm × 2^16. */
  get rate(): bigint {
    return this.#rate;
  }

  /** What was added to the clock until `nowNs`, ns × 65 536 000 000. */
  correctionAt(nowNs: bigint): bigint {
    return this.#correction + (nowNs - this.#sinceNs) * this.#rate;
  }

  /** Sets tick and frequency, in one call. */
  setRate(nowNs: bigint, rate: bigint): TickAndFreq {
    this.#correction = this.correctionAt(nowNs);
    this.#sinceNs = nowNs;
    this.#rate = rate;
    const { tick, freq } = splitRate(rate);
    this.#clock.adjtimex({ modes: ADJ_TICK | ADJ_FREQUENCY, tick, freq });
    return { tick, freq };
  }

  /** Steps CLOCK_REALTIME; returns adjtimex's result, and keeps account if that is not an error. */
  step(offsetNs: bigint): number {
    const { result } = this.#clock.adjtimex(setOffset(offsetNs));
    if (result >= 0) this.#correction += offsetNs * RATE_ONE;
    return result;
  }

  state(): ClockSteeringState {
    return {
      rate: this.#rate.toString(),
      sinceNs: this.#sinceNs.toString(),
      correction: this.#correction.toString(),
    };
  }

  static fromState(fn: string, clock: SteerableClock, state: ClockSteeringState): ClockSteering {
    checkObject(fn, "steering", state);
    return new ClockSteering(
      clock,
      parseS64(fn, "steering.rate", state.rate),
      parseS64(fn, "steering.sinceNs", state.sinceNs),
      parseWhole(fn, "steering.correction", state.correction),
    );
  }
}
