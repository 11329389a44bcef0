import type {
  ClockRate,
  HostClock,
  MonotonicRawNs,
  SteeredHostClock,
  VcpuTscView,
} from "@chronovisor/clocksource";
import { type HrtimerMode, KTIME_MAX, type Timer } from "@chronovisor/hrtimer";
import { checkInteger, checkS64, checkU32 } from "../arguments.js";
import type { PreemptionTimerPort } from "../preemption/preemption-timer-port.js";
import {
  ARM_FORMS,
  DEADLINE_CLOCK_RULES,
  type DeadlineClock,
  type DeadlineClockRule,
  rateMoved,
  UNSTEERED,
} from "./deadline-clock.js";
import type { DeadlineClockEvents, RecheckOutcome } from "./events.js";
import type { CreateRawTimer } from "./raw-timer.js";

/** The rate threshold of a device that is told none: above the ±149 ppb that NTP's dithering moves a 2.5 GHz clock by. */
export const DEFAULT_RATE_THRESHOLD_PPB = 1000;

/** A timer with plain instants: a `Timer`, or a RawTimer, whichever clock the rule arms. */
export interface SoftwareTimer {
  start(expiresNs: bigint, mode: HrtimerMode): void;
  cancel(): boolean;
  readonly armed: boolean;
  readonly expiresNs: bigint;
}

/** What a deadline's software timer is built from; the same for both devices. */
export interface DeadlineTimerParts {
  readonly clock: HostClock;
  readonly tsc: VcpuTscView;
  readonly createRawTimer?: CreateRawTimer;
  readonly preemptionTimer?: PreemptionTimerPort;
  readonly events?: Partial<DeadlineClockEvents>;
}

/** JSON form of what a deadline's software timer keeps besides the hrtimer's instant. */
export interface DeadlineTimerState {
  /** CLOCK_MONOTONIC_RAW ns the RAW timer is armed for, decimal; null when it is not. */
  readonly rawExpiresNs: string | null;
  /** The rate a timer that is armed again on an update was last armed at; null when unknown. */
  readonly armedRate: ClockRate | null;
}

const RECHECKS: Readonly<
  Record<DeadlineClockRule["recheck"], (cycles: bigint, ns: bigint) => RecheckOutcome>
> = {
  none: () => "expired",
  restart: (_cycles, ns) => (ns > 0n ? "restarted" : "expired"),
  lose: (cycles) => (cycles > 0n ? "lost" : "expired"),
};

/** The software timer behind a guest deadline, by one value of the `deadlineClock` axis. */
export class DeadlineTimer {
  readonly rule: DeadlineClockRule;
  /** The timer a deadline is armed on: the device's hrtimer, or the RAW one. */
  readonly timer: SoftwareTimer;
  /** Whether arming takes cycles modulo 2^64 (see ArmForm.wraps). */
  readonly wraps: boolean;
  /** The clock `timer` is armed on, now. */
  readonly now: () => bigint;
  readonly #tsc: VcpuTscView;
  readonly #delayNs: (cycles: bigint, tsc: VcpuTscView, rate: ClockRate) => bigint;
  readonly #rate: () => ClockRate;
  readonly #thresholdPpb: number;
  readonly #events: Partial<DeadlineClockEvents>;
  readonly #raw: SoftwareTimer | undefined;
  #armedRate: ClockRate | undefined;

  /**
   * @param owner - the device, for messages.
   * @param onRawExpiry - runs when the RAW timer expires; a returned instant arms it again.
   * @throws TypeError for a value that needs a part that is not there, RangeError for a threshold outside its domain.
   */
  constructor(
    owner: string,
    value: DeadlineClock,
    thresholdPpb: number,
    parts: DeadlineTimerParts,
    hrtimer: Timer,
    onRawExpiry: () => bigint | undefined,
  ) {
    checkInteger(owner, "rateThresholdPpb", thresholdPpb, 0, 1_000_000_000);
    const rule = DEADLINE_CLOCK_RULES[value];
    const form = ARM_FORMS[rule.arm];
    const { clock } = parts;
    this.rule = rule;
    this.wraps = form.wraps;
    this.#tsc = parts.tsc;
    this.#delayNs = form.delayNs;
    this.#thresholdPpb = thresholdPpb;
    this.#events = parts.events ?? {};
    if (rule.nestedHardware !== "none" && parts.preemptionTimer === undefined) {
      throw missing(owner, "preemptionTimer", value);
    }
    if (rule.base === "raw") {
      if (parts.createRawTimer === undefined) throw missing(owner, "createRawTimer", value);
      const steered = requireSteered(owner, value, clock);
      this.now = () => steered.rawNs();
      this.#raw = parts.createRawTimer(() => onRawExpiry() as MonotonicRawNs | undefined);
    } else {
      this.now = () => clock.monotonicNs();
    }
    this.timer = this.#raw ?? hrtimer;
    if (form.usesRate) {
      const steered = requireSteered(owner, value, clock);
      this.#rate = () => steered.rate();
    } else {
      this.#rate = () => UNSTEERED;
    }
  }

  /** What the RAW timer is queued for, CLOCK_MONOTONIC_RAW ns; undefined when it is not. */
  get rawExpiresNs(): bigint | undefined {
    return this.#raw?.armed ? this.#raw.expiresNs : undefined;
  }

  /** Nanoseconds to wait for `cycles` guest cycles, at the rate now, which is remembered as the one armed at. */
  delayNs(cycles: bigint): bigint {
    const rate = this.#rate();
    if (this.rule.onUpdate === "rearm") this.#armedRate = rate;
    return this.#delayNs(cycles, this.#tsc, rate);
  }

  /** The instant `ns` after `now`: s64, wrapping where the cycles do, else no later than the kernel's "never". */
  expiryAfter(now: bigint, ns: bigint): bigint {
    const sum = now + ns;
    if (this.wraps) return BigInt.asIntN(64, sum);
    return sum < KTIME_MAX ? sum : KTIME_MAX;
  }

  /** What an expiry with `cycles` guest cycles and `ns` left comes to; reports it. */
  recheck(cycles: bigint, ns: bigint): RecheckOutcome {
    const outcome = RECHECKS[this.rule.recheck](cycles, ns);
    this.#events.onRecheck?.(cycles, outcome);
    return outcome;
  }

  /** Whether an armed timer is to be armed again, since the rate moved beyond the threshold; reports it. */
  mustRearm(): boolean {
    if (this.rule.onUpdate === "keep" || !this.timer.armed) return false;
    const rate = this.#rate();
    const armedRate = this.#armedRate;
    // A restored timer may not know its rate: then the first update arms it again.
    if (armedRate !== undefined && !rateMoved(armedRate, rate, this.#thresholdPpb)) return false;
    this.#events.onCompensate?.(rate, armedRate);
    return true;
  }

  /** A JSON-safe copy; undefined where the hrtimer's instant is all there is. */
  state(): DeadlineTimerState | undefined {
    const { rawExpiresNs } = this;
    const armedRate = this.#armedRate;
    if (rawExpiresNs === undefined && armedRate === undefined) return undefined;
    return { rawExpiresNs: rawExpiresNs?.toString() ?? null, armedRate: armedRate ?? null };
  }

  /** Takes over `state`; returns what the RAW timer was armed for. */
  load(fn: string, state: DeadlineTimerState | undefined): bigint | undefined {
    const { rawExpiresNs = null, armedRate = null } = state ?? {};
    if (armedRate !== null && this.rule.onUpdate === "rearm") {
      checkU32(fn, "armedRate.monoMult", armedRate.monoMult);
      checkU32(fn, "armedRate.rawMult", armedRate.rawMult);
      checkInteger(fn, "armedRate.shift", armedRate.shift, 0, 63);
      this.#armedRate = { monoMult: armedRate.monoMult, rawMult: armedRate.rawMult, shift: armedRate.shift };
    }
    if (rawExpiresNs === null) return undefined;
    if (this.#raw === undefined) {
      throw new TypeError(
        `${fn}: expected a deadlineClock on CLOCK_MONOTONIC_RAW for rawExpiresNs, got none`,
      );
    }
    const expiresNs = BigInt(rawExpiresNs);
    checkS64(fn, "rawExpiresNs", expiresNs);
    return expiresNs;
  }
}

function missing(owner: string, part: string, value: DeadlineClock): TypeError {
  return new TypeError(`${owner}: expected ${part} for deadlineClock ${value}, got none`);
}

/** Throws unless the clock tells its rate. */
function requireSteered(owner: string, value: DeadlineClock, clock: HostClock): SteeredHostClock {
  if (isSteered(clock)) return clock;
  throw missing(owner, "a SteeredHostClock with rate() and rawNs()", value);
}

function isSteered(clock: HostClock): clock is SteeredHostClock {
  const steered: Partial<SteeredHostClock> = clock;
  return typeof steered.rate === "function" && typeof steered.rawNs === "function";
}
