import { Timekeeper, type TimekeeperClocksource, type TimekeeperOptions } from "../src/index.js";

/** A 2.5 GHz TSC as the kernel registers it (docs/model/clocksource-tsc §2.3). */
export const TSC: TimekeeperClocksource = {
  mask: 2n ** 64n - 1n,
  mult: 6710886,
  shift: 24,
  maxadj: 738197,
  maxCycles: 2476377840562n,
  maxRawDelta: 16140901064495857661n,
};
/** cycle_interval at 250 Hz: a tick that is 0.16 ns longer than 4 ms on these clocks. */
export const TICK_CYCLES = 10_000_001n;

/** A host on that TSC at 250 Hz, with its counter in hand and what it told written down. */
export class TscHost {
  readonly timekeeper: Timekeeper;
  readonly told: string[] = [];
  counter: bigint;

  constructor(options: Partial<TimekeeperOptions> & { readonly counter?: bigint } = {}) {
    const { counter = 0n, ...rest } = options;
    this.counter = counter;
    this.timekeeper = new Timekeeper({
      clocksource: TSC,
      hz: 250,
      read: () => this.counter,
      events: {
        onUpdate: () => this.told.push("update"),
        onClockSet: (clocks) => this.told.push(`set ${clocks}`),
        onLeap: (leap) => this.told.push(`leap ${leap}`),
        onWarning: (kind) => this.told.push(kind),
      },
      ...rest,
    });
  }

  /** Lets so many ticks pass, each at the end of its interval. */
  ticks(count: number): void {
    for (let i = 0; i < count; i++) {
      this.counter += TICK_CYCLES;
      this.timekeeper.tick();
    }
  }

  /** What was told since the last call, updates of mere ticks included. */
  heard(): string[] {
    return this.told.splice(0);
  }

  /** MONOTONIC, RAW, BOOTTIME, REALTIME and TAI now. */
  clocks(): readonly [bigint, bigint, bigint, bigint, bigint] {
    const { timekeeper } = this;
    return [
      timekeeper.monotonicNs(),
      timekeeper.rawNs(),
      timekeeper.boottimeNs(),
      timekeeper.realtimeNs(),
      timekeeper.taiNs(),
    ];
  }
}
