import { checkInteger, checkObject } from "../argument-checks.js";
import { MAX_RATE_PPB, rateOfPpb } from "./rate.js";
import { MIN_SAMPLES_FOR_FIT } from "./sample-history.js";
import type { ServoOptions } from "./seams.js";
import { checkDurationNs, checkServoOptions } from "./servo-checks.js";

/** chrony's default `maxslewrate`: 83 333.333 ppm. */
const DEFAULT_MAX_SLEW_PPB = 83_333_333;
const DEFAULT_MAX_DRIFT_PPB = 500_000;
const DEFAULT_SAMPLES = 8;
const MAX_SAMPLES = 64;
const MAX_STEP_LIMIT = 2 ** 31 - 1;

/** When a ChronyServo steps the clock (chrony's `makestep threshold limit`). */
export interface Makestep {
  /** An offset above this is stepped, ns, 0 or more. */
  readonly thresholdNs: bigint;
  /** Only in this many first updates, −2^31 … 2^31−1; negative means always, 0 never. */
  readonly limit: number;
}

/** What a {@link ChronyServo} is made of. */
export interface ChronyServoOptions extends ServoOptions {
  /**
   * Fastest slew, parts per 10^9 on top of the frequency correction: 1 … 100 500 000, which is what ticks of 9000 and 11 000
   * with ±500 ppm reach. Default 83 333 333 (ticks 9167 and 10 833, and ±33.333 ppm).
   */
  readonly maxSlewPpb?: number;
  /** Greatest frequency error the clock is believed to have, parts per 10^9, 1 … 100 500 000. Default 500 000. */
  readonly maxDriftPpb?: number;
  /** Measurements the frequency is estimated from, 3 … 64. Default 8. */
  readonly samples?: number;
  /** Default: never steps. */
  readonly makestep?: Makestep;
}

/** The options as a servo needs them; rates in ppm × 2^16. */
export interface ChronySettings {
  readonly pollNs: bigint;
  readonly maxSlew: bigint;
  readonly maxDrift: bigint;
  readonly samples: number;
  readonly makestep: Makestep;
}

/** Checks the options of a ChronyServo. */
export function chronySettings(fn: string, options: ChronyServoOptions): ChronySettings {
  const pollNs = checkServoOptions(fn, options);
  const { maxSlewPpb = DEFAULT_MAX_SLEW_PPB, maxDriftPpb = DEFAULT_MAX_DRIFT_PPB } = options;
  checkInteger(fn, "maxSlewPpb", maxSlewPpb, 1, MAX_RATE_PPB);
  checkInteger(fn, "maxDriftPpb", maxDriftPpb, 1, MAX_RATE_PPB);
  const { samples = DEFAULT_SAMPLES, makestep = { thresholdNs: 0n, limit: 0 } } = options;
  checkInteger(fn, "samples", samples, MIN_SAMPLES_FOR_FIT, MAX_SAMPLES);
  checkObject(fn, "makestep", makestep);
  const { thresholdNs, limit } = makestep;
  checkDurationNs(fn, "makestep.thresholdNs", thresholdNs, 0n);
  checkInteger(fn, "makestep.limit", limit, -MAX_STEP_LIMIT - 1, MAX_STEP_LIMIT);
  return {
    pollNs,
    maxSlew: rateOfPpb(maxSlewPpb),
    maxDrift: rateOfPpb(maxDriftPpb),
    samples,
    makestep: { thresholdNs, limit },
  };
}
