import type { ClockRate, MonotonicNs, MonotonicRawNs, SteeredHostClock } from "@chronovisor/clocksource";
import type { OnExpiry } from "@chronovisor/hrtimer";
import type { CreateRawTimer, RawTimer } from "../src/index.js";
import { FakeHost, FakeTimer } from "./fake-host.js";

/**
 * A host whose CLOCK_MONOTONIC a test steers, by multiplier and shift as the kernel's. By default 2 097 152 kHz, where
 * RAW's multiplier 4 000 000 at shift 23 is exact and a ppm is exactly 4 units of it.
 */
export class SteeredHost extends FakeHost implements SteeredHostClock {
  readonly rawMult: number;
  readonly shift: number;
  readonly rawTimers: FakeTimer[] = [];
  #monoMult: number;
  /** Counter and CLOCK_MONOTONIC in ns · 2^shift when the multiplier last changed. */
  #since = 0n;
  #atSince = 0n;

  constructor(
    options: {
      readonly khz?: number;
      readonly rawMult?: number;
      readonly shift?: number;
      readonly uptimeSeconds?: number;
    } = {},
  ) {
    const { khz = 2_097_152, rawMult = 4_000_000, shift = 23, uptimeSeconds = 0 } = options;
    super({ khz, uptimeSeconds });
    this.rawMult = rawMult;
    this.shift = shift;
    this.#monoMult = rawMult;
  }

  /** Changes CLOCK_MONOTONIC's multiplier from now on. */
  setMult(monoMult: number): void {
    this.#atSince = this.#shifted;
    this.#since = this.now;
    this.#monoMult = monoMult;
  }
  /** Changes CLOCK_MONOTONIC's rate from now on. */
  steer(ppm: number): void {
    this.setMult(Math.floor((this.rawMult * (1_000_000 + ppm)) / 1_000_000));
  }

  rate(): ClockRate {
    return { monoMult: this.#monoMult, rawMult: this.rawMult, shift: this.shift };
  }
  rawNs(): MonotonicRawNs {
    this.now += this.readCost;
    return ((this.now * BigInt(this.rawMult)) >> BigInt(this.shift)) as MonotonicRawNs;
  }
  override get mono(): MonotonicNs {
    return (this.#shifted >> BigInt(this.shift)) as MonotonicNs;
  }
  override moveTo(ns: bigint): void {
    this.now = this.firstCycleOf("monotonic", ns);
  }

  /** The first cycle at which a clock reads `ns` or more, at its rate now. */
  firstCycleOf(clock: "monotonic" | "raw", ns: bigint): bigint {
    const shifted = ns << BigInt(this.shift);
    if (clock === "raw") return ceilDiv(shifted, BigInt(this.rawMult));
    return this.#since + ceilDiv(shifted - this.#atSince, BigInt(this.#monoMult));
  }

  readonly createRawTimer: CreateRawTimer = (onExpiry) => {
    // The brand of the clock exists only for the compiler.
    const timer = new FakeTimer(onExpiry as unknown as OnExpiry);
    this.rawTimers.push(timer);
    return timer as unknown as RawTimer;
  };

  /**
   * An ideal host: every timer fires at the first cycle its clock reads its instant, and `actions` happen at their cycle,
   * before a timer of the same one. Ends when nothing is armed and nothing is left to happen; returns the cycle of the
   * last firing.
   */
  run(actions: readonly (readonly [cycle: bigint, act: () => void])[] = []): bigint {
    const left = [...actions];
    let firedAt = this.now;
    for (let steps = 0; steps < 100_000; steps++) {
      const [next] = left;
      const due = this.#earliest();
      if (due === undefined && next === undefined) return firedAt;
      if (next !== undefined && (due === undefined || next[0] <= due.cycle)) {
        left.shift();
        if (next[0] > this.now) this.now = next[0];
        next[1]();
      } else if (due !== undefined) {
        if (due.cycle > this.now) this.now = due.cycle;
        firedAt = this.now;
        due.timer.fire();
      }
    }
    throw new Error("the timers never rest");
  }

  #earliest(): { readonly timer: FakeTimer; readonly cycle: bigint } | undefined {
    const on = (clock: "monotonic" | "raw", timers: readonly FakeTimer[]) =>
      timers
        .filter(({ armed }) => armed)
        .map((timer) => ({ timer, cycle: this.firstCycleOf(clock, timer.expiresNs) }));
    const armed = [...on("monotonic", this.timers), ...on("raw", this.rawTimers)];
    return armed.sort((a, b) => (a.cycle < b.cycle ? -1 : a.cycle > b.cycle ? 1 : 0))[0];
  }

  get #shifted(): bigint {
    return this.#atSince + (this.now - this.#since) * BigInt(this.#monoMult);
  }
}

function ceilDiv(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}
