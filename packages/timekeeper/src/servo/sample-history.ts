import { parseS64 } from "../argument-checks.js";
import { type FittedLine, fitLine } from "./line-fit.js";
import { RATE_ONE } from "./rate.js";
import { parseWhole } from "./servo-checks.js";
import { magnitude } from "./signed-division.js";

/** Two points always lie on a line, jitter and all; a third is the first that says anything. */
export const MIN_SAMPLES_FOR_FIT = 3;

/** A measured offset is a whole number of ns: two of them can differ by one ns each for nothing. */
const ROUNDING_NS = 2n;

/** One measurement, freed of what the servo did to the clock. */
export interface PhaseSample {
  /** Servo axis, ns. */
  readonly atNs: bigint;
  /** Reference − the clock as it would be unsteered, ns × 65 536 000 000. */
  readonly phase: bigint;
  /** Round trip, ns. */
  readonly delayNs: bigint;
}

/** A sample as plain data. */
export interface PhaseSampleState {
  readonly atNs: string;
  readonly phase: string;
  readonly delayNs: string;
}

/** The last measurements, as many as fit. */
export class SampleHistory {
  readonly #capacity: number;
  readonly #maxDrift: bigint;
  #samples: PhaseSample[] = [];

  /** @param maxDrift - the greatest frequency error an unsteered clock is believed to have, ppm × 2^16. */
  constructor(capacity: number, maxDrift: bigint) {
    this.#capacity = capacity;
    this.#maxDrift = maxDrift;
  }

  /**
   * Adds a sample. Two phases differ by no more than the drift between them and half of each round trip, unless somebody
   * else set the clock: then everything older is dropped.
   */
  add(sample: PhaseSample): "accepted" | "clock-was-set" {
    const previous = this.#samples.at(-1);
    const jumped = previous !== undefined && this.#jumped(previous, sample);
    if (jumped) this.#samples = [];
    this.#samples.push(sample);
    if (this.#samples.length > this.#capacity) this.#samples.shift();
    return jumped ? "clock-was-set" : "accepted";
  }

  /** Frequency error (the slope, ppm × 2^16) and present phase; undefined while there are too few samples. */
  fit(): FittedLine | undefined {
    if (this.#samples.length < MIN_SAMPLES_FOR_FIT) return undefined;
    return fitLine(this.#samples.map(({ atNs, phase }) => ({ x: atNs, y: phase })));
  }

  state(): readonly PhaseSampleState[] {
    return this.#samples.map(({ atNs, phase, delayNs }) => ({
      atNs: atNs.toString(),
      phase: phase.toString(),
      delayNs: delayNs.toString(),
    }));
  }

  load(fn: string, state: readonly PhaseSampleState[]): void {
    if (!Array.isArray(state) || state.length > this.#capacity) {
      throw new RangeError(`${fn}: expected at most ${this.#capacity} samples, got ${String(state?.length)}`);
    }
    this.#samples = state.map(({ atNs, phase, delayNs }) => ({
      atNs: parseS64(fn, "samples.atNs", atNs),
      phase: parseWhole(fn, "samples.phase", phase),
      delayNs: parseS64(fn, "samples.delayNs", delayNs),
    }));
  }

  #jumped(previous: PhaseSample, sample: PhaseSample): boolean {
    const change = sample.phase - previous.phase;
    const drift = this.#maxDrift * (sample.atNs - previous.atNs);
    const error = (previous.delayNs + sample.delayNs) * (RATE_ONE / 2n) + ROUNDING_NS * RATE_ONE;
    return magnitude(change) > drift + error;
  }
}
