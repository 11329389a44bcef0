import { Timekeeper } from "../src/index.js";
import type { Acting } from "./run-servo.js";

const BILLION = 1_000_000_000n;
const TICK_CYCLES = 10_000_000n;
/** A 2.5 GHz TSC as the kernel registers it. */
const TSC = {
  mask: 2n ** 64n - 1n,
  mult: 6_710_886,
  shift: 24,
  maxadj: 738_197,
  maxCycles: 2_476_377_840_562n,
  maxRawDelta: 16_140_901_064_495_857_661n,
};

/** A host whose TSC the kernel takes for 2.5 GHz, with a tick every 4 ms of it; it truly runs `hardwarePpb` faster. */
export class ServoHost {
  readonly timekeeper: Timekeeper;
  readonly #startNs: bigint;
  readonly #trueHz: bigint;
  #counter = 0n;
  #nextTick = TICK_CYCLES;

  constructor(options: { readonly startNs: bigint; readonly hardwarePpb?: bigint }) {
    this.#startNs = options.startNs;
    this.#trueHz = 2_500_000_000n + (5n * (options.hardwarePpb ?? 0n)) / 2n;
    this.timekeeper = new Timekeeper({
      clocksource: TSC,
      hz: 250,
      realtimeNs: options.startNs,
      read: () => this.#counter,
    });
  }

  trueNs(): bigint {
    return this.#startNs + (this.#counter * BILLION) / this.#trueHz;
  }

  /** Lets the TSC count to `counter`, a tick at every 10 000 000 cycles. */
  runToCounter(counter: bigint): void {
    for (; this.#nextTick <= counter; this.#nextTick += TICK_CYCLES) {
      this.#counter = this.#nextTick;
      this.timekeeper.tick();
    }
    this.#counter = counter;
  }

  /** Calls a servo whose axis is CLOCK_MONOTONIC_RAW at the instants it names, until RAW shows `rawNs`. */
  run(servo: Acting, rawNs: bigint): void {
    let next = servo.nextActionNs;
    while (next !== undefined && next <= rawNs) {
      this.#runToRaw(next);
      servo.act();
      next = servo.nextActionNs;
    }
    this.#runToRaw(rawNs);
  }

  /** Past the last tick before it: a counter value is only told from there on. */
  #runToRaw(rawNs: bigint): void {
    let counter = this.timekeeper.rawCounterAt(rawNs);
    if (counter > this.#nextTick) {
      this.runToCounter(counter - TICK_CYCLES);
      counter = this.timekeeper.rawCounterAt(rawNs);
    }
    this.runToCounter(counter > this.#counter ? counter : this.#counter);
  }
}
