import { checkInteger, checkObject, parseS64 } from "../argument-checks.js";
import { type ChronyServoOptions, type ChronySettings, chronySettings } from "./chrony-options.js";
import { ClockSteering, type ClockSteeringState } from "./clock-steering.js";
import { clampRate, MAX_RATE, RATE_ONE } from "./rate.js";
import { type PhaseSampleState, SampleHistory } from "./sample-history.js";
import type { ServoEvents, ServoOptions, Slew } from "./seams.js";
import { checkMeasurement, parseWhole, readNowNs } from "./servo-checks.js";
import { divideToNearest, magnitude } from "./signed-division.js";

/**
 * A servo in the manner of chronyd: the kernel's own loop is off, and user space holds tick and frequency.
 *
 * An offset δ (reference − clock) is removed by adding p to the rate for δ/p, and taking p off at that instant:
 *
 *     p = δ / 1 s, at most maxSlewPpb       0.5 s at 83 300 ppm: 6.002 400 960 s, tick 10 833 and freq 0
 *     δ > 0, the clock is behind: p > 0, tick above 10 000
 *
 * The second is there because a kernel counts a change of rate from its last tick on: a slew within one tick would be undone
 * by its error account, and one of many ticks is off by no more than one tick times p, which the next poll sees.
 *
 * Frequency: the slope of the offsets that the clock would have had unsteered (measured + everything the servo added), over
 * the last `samples` measurements, by least squares in exact integers. From the third measurement on, the offset to remove is
 * taken from the same line, so that jitter averages out.
 */

/** An offset is spread over this long, if maxSlewPpb lets it: 250 ticks at CONFIG_HZ=250. */
const MIN_SLEW_NS = 1_000_000_000n;
const MAX_UPDATES = Number.MAX_SAFE_INTEGER;

/** A {@link ChronyServo} as plain data: instants in ns on its axis, rates in ppm × 2^16. */
export interface ChronyServoState {
  readonly nextPollNs: string;
  readonly updates: number;
  readonly baseRate: string;
  /** What is being removed, and until when; null when nothing is. */
  readonly slew: {
    readonly offsetNs: string;
    readonly tick: string;
    readonly freq: string;
    readonly endNs: string;
  } | null;
  /** null before the first act. */
  readonly steering: ClockSteeringState | null;
  readonly samples: readonly PhaseSampleState[];
}

/**
 * Steers a clock as chronyd does: estimates its frequency error, slews an offset through ADJ_TICK and ADJ_FREQUENCY, steps one
 * above `makestep` through ADJ_SETOFFSET (docs/model/timekeeping-ntp §3).
 *
 * Call {@link ChronyServo.act} at {@link ChronyServo.nextActionNs}; called later it does what is due then, earlier nothing. The
 * first act takes the clock over: it empties and turns off the kernel's loop (STA_PLL), which leaves STA_UNSYNC set, as chronyd
 * does without `rtcsync`.
 *
 * @throws RangeError for a setting that adjtimex cannot reach or that makes no sense, TypeError for one of another type.
 * @example
 * // A clock half a second behind, whose adjtimex only remembers the rate it was given.
 * let now = 0n;
 * const calls = [];
 * const answer = { tick: 10_000n, freq: 0n, result: 0 };
 * const clock = { realtimeNs: () => now, adjtimex: (timex) => { calls.push(timex); return answer; } };
 * const reference = new ReferenceClock({ trueNs: () => now, offsetNs: 500_000_000n });
 * const servo = new ChronyServo({ clock, reference, nowNs: () => now, maxSlewPpb: 83_300_000 });
 * servo.act();
 * calls.at(-1) // => { modes: 16386, tick: 10833n, freq: 0n }
 * servo.nextActionNs // => 6002400960n
 * now = servo.nextActionNs;
 * servo.act();
 * calls.at(-1) // => { modes: 16386, tick: 10000n, freq: 0n }
 * servo.nextActionNs // => 64000000000n
 */
export class ChronyServo {
  readonly #options: ServoOptions;
  readonly #settings: ChronySettings;
  readonly #events: Partial<ServoEvents>;
  readonly #history: SampleHistory;
  #steering: ClockSteering | undefined;
  #nextPollNs: bigint;
  #updates = 0;
  #baseRate = 0n;
  #slew: Extract<Slew, { kind: "rate" }> | undefined;

  constructor(options: ChronyServoOptions) {
    this.#settings = chronySettings("ChronyServo", options);
    this.#options = options;
    this.#events = options.events ?? {};
    this.#history = new SampleHistory(this.#settings.samples, this.#settings.maxDrift);
    this.#nextPollNs = this.#now();
  }

  /** When it wants to be called next: the end of the slew or the next poll, whichever comes first. */
  get nextActionNs(): bigint {
    const endNs = this.#slew?.endNs;
    return endNs !== undefined && endNs < this.#nextPollNs ? endNs : this.#nextPollNs;
  }

  /** What is being removed; undefined when nothing is. */
  get slew(): Slew | undefined {
    return this.#slew;
  }

  /** The frequency correction, ppm × 2^16 as in `timex.freq` (which holds only the part that the tick does not). */
  get frequency(): bigint {
    return this.#baseRate;
  }

  /** Measurements the clock was steered by. */
  get updates(): number {
    return this.#updates;
  }

  /** Does what is due now: ends the slew, polls. One poll however many were missed; the next is `pollNs` after it. */
  act(): void {
    const nowNs = this.#now();
    this.#endSlewIfDue(nowNs);
    if (nowNs >= this.#nextPollNs) this.#update(nowNs);
  }

  /** Polls now, whatever is due (`chronyc burst`); the next poll is `pollNs` from now. */
  poll(): void {
    const nowNs = this.#now();
    this.#endSlewIfDue(nowNs);
    this.#update(nowNs);
  }

  /** The servo as plain data. The clock's own state is not part of it. */
  state(): ChronyServoState {
    const slew = this.#slew;
    return {
      nextPollNs: this.#nextPollNs.toString(),
      updates: this.#updates,
      baseRate: this.#baseRate.toString(),
      slew:
        slew === undefined
          ? null
          : {
              offsetNs: slew.offsetNs.toString(),
              tick: slew.tick.toString(),
              freq: slew.freq.toString(),
              endNs: slew.endNs.toString(),
            },
      steering: this.#steering?.state() ?? null,
      samples: this.#history.state(),
    };
  }

  /**
   * A servo that goes on where the saved one was, over the same clock in the same state. The clock is not touched.
   *
   * @throws as the constructor, and for a state of another shape or with more samples than `options.samples`.
   */
  static fromState(state: ChronyServoState, options: ChronyServoOptions): ChronyServo {
    const fn = "ChronyServo.fromState";
    checkObject(fn, "state", state);
    const servo = new ChronyServo(options);
    servo.#nextPollNs = parseS64(fn, "nextPollNs", state.nextPollNs);
    checkInteger(fn, "updates", state.updates, 0, MAX_UPDATES);
    servo.#updates = state.updates;
    servo.#baseRate = parseS64(fn, "baseRate", state.baseRate);
    servo.#history.load(fn, state.samples);
    const { slew, steering } = state;
    if (steering !== null) servo.#steering = ClockSteering.fromState(fn, options.clock, steering);
    if (slew !== null) {
      checkObject(fn, "slew", slew);
      servo.#slew = {
        kind: "rate",
        offsetNs: parseS64(fn, "slew.offsetNs", slew.offsetNs),
        tick: parseS64(fn, "slew.tick", slew.tick),
        freq: parseS64(fn, "slew.freq", slew.freq),
        endNs: parseWhole(fn, "slew.endNs", slew.endNs),
      };
    }
    return servo;
  }

  #now(): bigint {
    return readNowNs("ChronyServo", this.#options);
  }

  #update(nowNs: bigint): void {
    const steering = this.#takeOver(nowNs);
    const { reference, clock } = this.#options;
    const measurement = checkMeasurement("ChronyServo", reference.measure(clock));
    const { offsetNs, delayNs } = measurement;
    const phase = offsetNs * RATE_ONE + steering.correctionAt(nowNs);
    const verdict = this.#history.add({ atNs: nowNs, phase, delayNs });
    this.#events.onSample?.({ atNs: nowNs, offsetNs, delayNs, verdict });
    this.#nextPollNs = nowNs + this.#settings.pollNs;
    this.#updates += 1;
    this.#correct(nowNs, steering, this.#estimate(nowNs, steering, offsetNs));
  }

  /** Learns the frequency; returns the offset to remove, ns to nearest. */
  #estimate(nowNs: bigint, steering: ClockSteering, measuredNs: bigint): bigint {
    const line = this.#history.fit();
    if (line === undefined) return measuredNs;
    this.#baseRate = clampRate(line.slope, this.#settings.maxDrift);
    return divideToNearest(line.newest - steering.correctionAt(nowNs), RATE_ONE);
  }

  #correct(nowNs: bigint, steering: ClockSteering, offsetNs: bigint): void {
    if (this.#mayStep(offsetNs)) {
      const result = steering.step(offsetNs);
      if (result >= 0) {
        this.#setBaseRate(nowNs, steering);
        this.#events.onStep?.(offsetNs);
        return;
      }
      this.#events.onRefused?.(result);
    }
    this.#startSlew(nowNs, steering, offsetNs);
  }

  #mayStep(offsetNs: bigint): boolean {
    const { thresholdNs, limit } = this.#settings.makestep;
    return magnitude(offsetNs) > thresholdNs && (limit < 0 || this.#updates <= limit);
  }

  #startSlew(nowNs: bigint, steering: ClockSteering, offsetNs: bigint): void {
    const size = magnitude(offsetNs) * RATE_ONE;
    const spread = (size + MIN_SLEW_NS - 1n) / MIN_SLEW_NS;
    const wanted = spread < this.#settings.maxSlew ? spread : this.#settings.maxSlew;
    const rate = clampRate(this.#baseRate + (offsetNs < 0n ? -wanted : wanted), MAX_RATE);
    const added = magnitude(rate - this.#baseRate);
    if (added === 0n) {
      this.#setBaseRate(nowNs, steering);
      return;
    }
    const { tick, freq } = steering.setRate(nowNs, rate);
    this.#slew = { kind: "rate", offsetNs, tick, freq, endNs: nowNs + divideToNearest(size, added) };
    this.#events.onSlew?.(this.#slew);
  }

  #endSlewIfDue(nowNs: bigint): void {
    if (this.#slew === undefined || this.#steering === undefined || nowNs < this.#slew.endNs) return;
    this.#setBaseRate(nowNs, this.#steering);
  }

  #setBaseRate(nowNs: bigint, steering: ClockSteering): void {
    steering.setRate(nowNs, this.#baseRate);
    if (this.#slew === undefined) return;
    this.#slew = undefined;
    this.#events.onSlewEnd?.(nowNs);
  }

  #takeOver(nowNs: bigint): ClockSteering {
    if (this.#steering === undefined) {
      this.#steering = ClockSteering.takeOver(this.#options.clock, nowNs);
      this.#baseRate = clampRate(this.#steering.rate, this.#settings.maxDrift);
    }
    return this.#steering;
  }
}
