import { checkInteger, checkObject, checkOneOf, parseS64 } from "../argument-checks.js";
import { ADJ_ESTERROR, ADJ_MAXERROR, ADJ_NANO, ADJ_OFFSET, ADJ_STATUS, ADJ_TIMECONST } from "../ntp/modes.js";
import { STA_PLL } from "../ntp/status.js";
import { type NtpdServoOptions, type NtpdSettings, ntpdSettings } from "./ntpd-options.js";
import type { OffsetMeasurement, SampleVerdict, ServoEvents, ServoOptions } from "./seams.js";
import { checkMeasurement, readNowNs } from "./servo-checks.js";
import { setOffset } from "./set-offset.js";
import { magnitude } from "./signed-division.js";

/**
 * A servo in the manner of ntpd: it only measures; the loop is the kernel's.
 *
 * Each offset within the step threshold goes to ADJ_OFFSET, and the kernel removes 2^-(2+tc) of what is left per second:
 *
 *     10 ms, tc 2: 625, 585.9, 549.3 … ppm, 4.755 ms gone after 10 s       tc 6: 39.06 ppm at first
 *
 * An offset above it is a spike until it has lasted for the stepout, and is then stepped; the very first one is stepped at
 * once, there being nothing to doubt it by.
 */

/** Where the servo is: nothing accepted yet, in the loop, waiting out a spike, given up. */
const PHASES = ["start", "sync", "spike", "panic"] as const;
type Phase = (typeof PHASES)[number];

const MODES = ADJ_OFFSET | ADJ_NANO | ADJ_TIMECONST | ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR;
const MAX_UPDATES = Number.MAX_SAFE_INTEGER;

/** An {@link NtpdServo} as plain data: instants in ns on its axis. */
export interface NtpdServoState {
  readonly phase: Phase;
  readonly nextPollNs: string;
  readonly updates: number;
  /** When the clock was last steered; the stepout counts from there. */
  readonly updatedNs: string;
}

/**
 * Steers a clock as ntpd does: the kernel's phase loop (STA_PLL, ADJ_OFFSET in ns, the time constant), a step threshold with a
 * stepout, a panic threshold (docs/model/timekeeping-ntp §3).
 *
 * Call {@link NtpdServo.act} at {@link NtpdServo.nextActionNs}; called later it does what is due then, earlier nothing.
 *
 * @throws RangeError for a setting outside its domain, TypeError for one of another type.
 * @example
 * let now = 0n;
 * const calls = [];
 * const clock = { realtimeNs: () => now, adjtimex: (timex) => { calls.push(timex); return { result: 0 }; } };
 * const reference = new ReferenceClock({ trueNs: () => now, offsetNs: 10_000_000n, roundTripNs: 3_000n });
 * const servo = new NtpdServo({ clock, reference, nowNs: () => now, timeConstant: 2 });
 * servo.act();
 * calls // => [ { modes: 8253, offset: 10000000n, constant: 2n, status: 1, maxerror: 2n, esterror: 10000n } ]
 * servo.nextActionNs // => 64000000000n
 */
export class NtpdServo {
  readonly #options: ServoOptions;
  readonly #settings: NtpdSettings;
  readonly #events: Partial<ServoEvents>;
  #phase: Phase = "start";
  #nextPollNs: bigint;
  #updates = 0;
  #updatedNs: bigint;

  constructor(options: NtpdServoOptions) {
    this.#settings = ntpdSettings("NtpdServo", options);
    this.#options = options;
    this.#events = options.events ?? {};
    this.#nextPollNs = this.#now();
    this.#updatedNs = this.#nextPollNs;
  }

  /** The next poll; undefined after a panic: it does nothing more. */
  get nextActionNs(): bigint | undefined {
    return this.#phase === "panic" ? undefined : this.#nextPollNs;
  }

  /** Measurements the clock was steered by. */
  get updates(): number {
    return this.#updates;
  }

  /** Polls if it is due. One poll however many were missed; the next is `pollNs` after it. */
  act(): void {
    const nowNs = this.#now();
    if (nowNs >= this.#nextPollNs) this.#update(nowNs);
  }

  /** Polls now, whatever is due; the next poll is `pollNs` from now. */
  poll(): void {
    this.#update(this.#now());
  }

  /** The servo as plain data. The clock's own state is not part of it. */
  state(): NtpdServoState {
    return {
      phase: this.#phase,
      nextPollNs: this.#nextPollNs.toString(),
      updates: this.#updates,
      updatedNs: this.#updatedNs.toString(),
    };
  }

  /**
   * A servo that goes on where the saved one was, over the same clock in the same state. The clock is not touched.
   *
   * @throws as the constructor, and for a state of another shape.
   */
  static fromState(state: NtpdServoState, options: NtpdServoOptions): NtpdServo {
    const fn = "NtpdServo.fromState";
    checkObject(fn, "state", state);
    const servo = new NtpdServo(options);
    checkOneOf(fn, "phase", state.phase, PHASES);
    servo.#phase = state.phase;
    servo.#nextPollNs = parseS64(fn, "nextPollNs", state.nextPollNs);
    checkInteger(fn, "updates", state.updates, 0, MAX_UPDATES);
    servo.#updates = state.updates;
    servo.#updatedNs = parseS64(fn, "updatedNs", state.updatedNs);
    return servo;
  }

  #now(): bigint {
    return readNowNs("NtpdServo", this.#options);
  }

  #update(nowNs: bigint): void {
    if (this.#phase === "panic") return;
    const { reference, clock } = this.#options;
    const measurement = checkMeasurement("NtpdServo", reference.measure(clock));
    const { offsetNs, delayNs } = measurement;
    this.#nextPollNs = nowNs + this.#settings.pollNs;
    const action = this.#decide(nowNs, magnitude(offsetNs));
    this.#events.onSample?.({ atNs: nowNs, offsetNs, delayNs, verdict: VERDICTS[action] });
    if (action === "panic") this.#panic(offsetNs);
    else if (action === "wait") this.#phase = "spike";
    else if (action === "slew") this.#slew(nowNs, measurement);
    else this.#step(nowNs, offsetNs);
  }

  #decide(nowNs: bigint, size: bigint): Action {
    const { panicThresholdNs, panicGate, stepThresholdNs, stepoutNs } = this.#settings;
    const exempt = this.#updates === 0 && panicGate === "first-exempt";
    if (panicThresholdNs > 0n && size > panicThresholdNs && !exempt) return "panic";
    if (stepThresholdNs === 0n || size <= stepThresholdNs) return "slew";
    if (this.#phase === "start") return "step";
    return this.#phase === "spike" && nowNs - this.#updatedNs >= stepoutNs ? "step" : "wait";
  }

  #panic(offsetNs: bigint): void {
    this.#phase = "panic";
    this.#events.onPanic?.(offsetNs);
  }

  #slew(nowNs: bigint, { offsetNs, delayNs }: OffsetMeasurement): void {
    const { timeConstant } = this.#settings;
    this.#options.clock.adjtimex({
      modes: MODES,
      offset: offsetNs,
      constant: BigInt(timeConstant),
      status: STA_PLL,
      maxerror: microseconds((delayNs + 1n) / 2n),
      esterror: microseconds(magnitude(offsetNs)),
    });
    this.#accepted(nowNs);
    this.#events.onSlew?.({ kind: "pll", offsetNs, timeConstant });
  }

  #step(nowNs: bigint, offsetNs: bigint): void {
    const { result } = this.#options.clock.adjtimex(setOffset(offsetNs));
    if (result < 0) {
      this.#events.onRefused?.(result);
      return;
    }
    this.#accepted(nowNs);
    this.#events.onStep?.(offsetNs);
  }

  #accepted(nowNs: bigint): void {
    this.#phase = "sync";
    this.#updates += 1;
    this.#updatedNs = nowNs;
  }
}

type Action = "slew" | "step" | "wait" | "panic";

const VERDICTS: Readonly<Record<Action, SampleVerdict>> = {
  slew: "accepted",
  step: "accepted",
  wait: "spike",
  panic: "panic",
};

/** Rounded up: an error bound must not shrink. */
function microseconds(ns: bigint): bigint {
  return (ns + 999n) / 1_000n;
}
