import { type AdjtimexResult, NtpState, type SteerableClock, type Timex } from "../src/index.js";

const ADJ_SETOFFSET = 0x0100;
const HZ = 100;
const TICK_NS = 10_000_000n;
const BILLION = 1_000_000_000n;

/** A clock that adds the kernel's tick length, all of it, every 1/100 s: the NTP code without a counter's mult. */
export class NtpClock implements SteerableClock {
  readonly ntp: NtpState = new NtpState({ hz: HZ });
  refuseSteps = false;
  #trueNs = 0n;
  /** ns × 2^32. */
  #time: bigint;

  constructor(startNs: bigint) {
    this.#time = startNs << 32n;
  }

  get trueNs(): bigint {
    return this.#trueNs;
  }

  /** Runs whole ticks until `trueNs`. */
  runUntil(trueNs: bigint): void {
    for (; this.#trueNs + TICK_NS <= trueNs; this.#trueNs += TICK_NS) {
      const before = this.#second();
      this.#time += this.ntp.tickLength;
      if (this.#second() > before) this.ntp.secondOverflow(this.#second());
    }
  }

  realtimeNs(): bigint {
    return this.#time >> 32n;
  }

  /** Somebody else sets the clock; the kernel's loop is left alone. */
  set(byNs: bigint): void {
    this.#time += byNs << 32n;
  }

  adjtimex(timex: Timex): AdjtimexResult {
    const clock = {
      xtimeSec: this.#second(),
      realtime: { sec: this.#second(), nsec: this.realtimeNs() % BILLION },
      taiOffsetSec: 0,
    };
    const { answer } = this.ntp.adjtimex(timex, clock);
    if (!(timex.modes & ADJ_SETOFFSET) || timex.time === undefined) return answer;
    if (this.refuseSteps) return { ...answer, result: -22 };
    this.set(timex.time.sec * BILLION + timex.time.usec);
    this.ntp.clear();
    return answer;
  }

  #second(): bigint {
    return this.realtimeNs() / BILLION;
  }
}
