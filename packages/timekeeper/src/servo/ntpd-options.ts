import { checkInteger, checkOneOf } from "../argument-checks.js";
import type { ServoOptions } from "./seams.js";
import { checkDurationNs, checkServoOptions } from "./servo-checks.js";

/** The kernel's MAXTC. */
const MAX_TIME_CONSTANT = 10;
/** ntpd: 2^6 s between polls, and the constant is that exponent when offsets are in ns. */
const DEFAULT_TIME_CONSTANT = 6;
const DEFAULT_STEP_THRESHOLD_NS = 128_000_000n;
const DEFAULT_STEPOUT_NS = 300_000_000_000n;
const DEFAULT_PANIC_THRESHOLD_NS = 1_000_000_000_000n;

/** Which updates may panic: `first-exempt` is `ntpd -g`. */
export type PanicGate = "every" | "first-exempt";

/** What an {@link NtpdServo} is made of. */
export interface NtpdServoOptions extends ServoOptions {
  /**
   * The kernel removes 2^-(2+timeConstant) of the offset every second, 0 … 10. Default 6. With polls of 2^(6+timeConstant) s
   * or more its loop corrects the frequency twice over at each, and swings up to ±500 ppm instead of settling.
   */
  readonly timeConstant?: number;
  /** An offset above this is not slewed, ns. 0: everything is slewed (`tinker step 0`). Default 128 ms. */
  readonly stepThresholdNs?: bigint;
  /** How long it must last before it is stepped, ns. Default 300 s. */
  readonly stepoutNs?: bigint;
  /** An offset above this stops the servo, ns. 0: none does (`tinker panic 0`). Default 1000 s. */
  readonly panicThresholdNs?: bigint;
  /** Default `every`. */
  readonly panicGate?: PanicGate;
}

/** The options as a servo needs them. */
export interface NtpdSettings {
  readonly pollNs: bigint;
  readonly timeConstant: number;
  readonly stepThresholdNs: bigint;
  readonly stepoutNs: bigint;
  readonly panicThresholdNs: bigint;
  readonly panicGate: PanicGate;
}

/** Checks the options of an NtpdServo. */
export function ntpdSettings(fn: string, options: NtpdServoOptions): NtpdSettings {
  const pollNs = checkServoOptions(fn, options);
  const {
    timeConstant = DEFAULT_TIME_CONSTANT,
    stepThresholdNs = DEFAULT_STEP_THRESHOLD_NS,
    stepoutNs = DEFAULT_STEPOUT_NS,
    panicThresholdNs = DEFAULT_PANIC_THRESHOLD_NS,
    panicGate = "every",
  } = options;
  checkInteger(fn, "timeConstant", timeConstant, 0, MAX_TIME_CONSTANT);
  checkDurationNs(fn, "stepThresholdNs", stepThresholdNs, 0n);
  checkDurationNs(fn, "stepoutNs", stepoutNs, 0n);
  checkDurationNs(fn, "panicThresholdNs", panicThresholdNs, 0n);
  checkOneOf(fn, "panicGate", panicGate, ["every", "first-exempt"]);
  return { pollNs, timeConstant, stepThresholdNs, stepoutNs, panicThresholdNs, panicGate };
}
