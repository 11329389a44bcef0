import type { AdjtimexResult, SteerableClock, Timex } from "../src/index.js";

const ADJ_FREQUENCY = 0x0002;
const ADJ_SETOFFSET = 0x0100;
const ADJ_TICK = 0x4000;

const ONE = 65_536_000_000n;
const BILLION = 1_000_000_000n;

/**
 * A clock that follows tick and frequency to the last fraction: no ticks, no mult, no rounding but that of a reading. Its
 * counter runs `hardwarePpb` parts per 10^9 fast. Time moves when a test moves it.
 */
export class ExactClock implements SteerableClock {
  readonly calls: Timex[] = [];
  readonly hardwarePpb: bigint;
  /** What a step is answered with instead of being made. */
  refuseSteps = false;
  tick: bigint;
  freq: bigint;
  #trueNs: bigint;
  /** ns × 10^9 × 65 536 000 000. */
  #time: bigint;

  constructor(
    options: { trueNs?: bigint; behindNs?: bigint; hardwarePpb?: bigint; tick?: bigint; freq?: bigint } = {},
  ) {
    this.#trueNs = options.trueNs ?? 0n;
    this.hardwarePpb = options.hardwarePpb ?? 0n;
    this.tick = options.tick ?? 10_000n;
    this.freq = options.freq ?? 0n;
    this.#time = (this.#trueNs - (options.behindNs ?? 0n)) * BILLION * ONE;
  }

  get trueNs(): bigint {
    return this.#trueNs;
  }

  set trueNs(trueNs: bigint) {
    const rate = ONE + (this.tick - 10_000n) * 6_553_600n + this.freq;
    this.#time += (trueNs - this.#trueNs) * (BILLION + this.hardwarePpb) * rate;
    this.#trueNs = trueNs;
  }

  /** CLOCK_MONOTONIC_RAW: the counter at its nominal frequency. */
  get rawNs(): bigint {
    return (this.#trueNs * (BILLION + this.hardwarePpb)) / BILLION;
  }

  /** First true time at which {@link rawNs} shows `rawNs`. */
  trueNsAtRaw(rawNs: bigint): bigint {
    return (rawNs * BILLION + BILLION + this.hardwarePpb - 1n) / (BILLION + this.hardwarePpb);
  }

  realtimeNs(): bigint {
    const unit = BILLION * ONE;
    const fraction = ((this.#time % unit) + unit) % unit;
    return (this.#time - fraction) / unit;
  }

  /** Somebody else sets the clock. */
  set(byNs: bigint): void {
    this.#time += byNs * BILLION * ONE;
  }

  adjtimex(timex: Timex): AdjtimexResult {
    this.calls.push(timex);
    const { modes, time, tick = 10_000n, freq = 0n } = timex;
    if (modes & ADJ_SETOFFSET && this.refuseSteps) return this.#answer(-22);
    if (modes & ADJ_SETOFFSET && time !== undefined) this.set(time.sec * BILLION + time.usec);
    if (modes & ADJ_TICK) this.tick = inRange("tick", tick, 9_000n, 11_000n);
    if (modes & ADJ_FREQUENCY) this.freq = inRange("freq", freq, -32_768_000n, 32_768_000n);
    return this.#answer(5);
  }

  #answer(result: number): AdjtimexResult {
    return {
      result,
      offset: 0n,
      freq: this.freq,
      maxerror: 0n,
      esterror: 0n,
      status: 0x40,
      constant: 2n,
      precision: 1n,
      tolerance: 32_768_000n,
      tick: this.tick,
      time: { sec: 0n, usec: 0n },
      tai: 0,
    };
  }
}

/** The kernel refuses or clamps what is outside; a servo must not ask for it. */
function inRange(name: string, value: bigint, min: bigint, max: bigint): bigint {
  if (value < min || value > max) throw new Error(`the servo set ${name} to ${value}`);
  return value;
}
