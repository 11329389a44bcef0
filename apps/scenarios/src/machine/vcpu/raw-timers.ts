import type { HostTsc, MonotonicNs, MonotonicRawNs } from "@chronovisor/clocksource";
import { HRTIMER_MODE_HARD, type Hrtimer, type HrtimerMode } from "@chronovisor/hrtimer";
import type { OnRawExpiry, RawTimer } from "@chronovisor/lapic";
import type { EventSource } from "../engine/engine.js";
import type { Lane } from "../engine/lane.js";
import type { Host } from "../host/host.js";
import type { HostCpu } from "../host/host-cpu.js";

/** Whose timer it is: the CPU its thread is on now. */
export interface TimerOwner {
  readonly cpu: HostCpu;
  readonly name: string;
}

/**
 * A timer on CLOCK_MONOTONIC_RAW with an event of its own: what a kernel would have whose timer core knew that clock
 * (docs/model/timekeeping-ntp §8, M1). It fires at the first cycle at which RAW reads the instant.
 */
export class RawClockTimer implements RawTimer, EventSource {
  readonly name: string;
  readonly #host: Host;
  readonly #owner: TimerOwner;
  readonly #onExpiry: OnRawExpiry;
  #fireAt: HostTsc | undefined;
  expiresNs: MonotonicRawNs = 0n as MonotonicRawNs;

  constructor(host: Host, owner: TimerOwner, onExpiry: OnRawExpiry) {
    this.name = `RAW timer of ${owner.name}`;
    this.#host = host;
    this.#owner = owner;
    this.#onExpiry = onExpiry;
    host.engine.add(this);
    // RAW goes on by another counter, or from another value of it: the same instant is another host TSC.
    host.onClockUpdate(() => {
      if (this.armed) this.start(this.expiresNs);
    });
  }

  get lane(): Lane {
    return this.#owner.cpu.lane;
  }

  get nextAt(): HostTsc | undefined {
    return this.#fireAt;
  }

  get armed(): boolean {
    return this.#fireAt !== undefined;
  }

  start(expiresNs: MonotonicRawNs): void {
    this.expiresNs = expiresNs;
    const { now } = this.#host.engine;
    const due = this.#host.clock.firstTscAtRaw(expiresNs);
    this.#fireAt = due < now ? now : due;
  }

  cancel(): boolean {
    const was = this.armed;
    this.#fireAt = undefined;
    return was;
  }

  run(): void {
    this.#fireAt = undefined;
    this.#owner.cpu.takeInterrupt(() => {
      const next = this.#onExpiry(this);
      if (next !== undefined) this.start(next);
    }, "timer");
  }
}

/**
 * A timer for RAW instants on the hrtimers of CLOCK_MONOTONIC: the instant is mapped by the rate of the moment when it is
 * armed, and again at every interrupt of its CPU's timers; an expiry that RAW has not reached waits on
 * (docs/model/timekeeping-ntp §8, M5). An idle CPU maps nothing, so it can be late but never early.
 */
export class MappedRawTimer implements RawTimer {
  readonly #host: Host;
  readonly #hrtimer: Hrtimer;
  #mode: HrtimerMode = HRTIMER_MODE_HARD;
  #mappedAt: number | undefined;
  expiresNs: MonotonicRawNs = 0n as MonotonicRawNs;

  constructor(host: Host, owner: TimerOwner, onExpiry: OnRawExpiry) {
    this.#host = host;
    this.#hrtimer = host.hrtimers.createTimer(() => this.#expired(onExpiry), {
      name: `mapped RAW timer of ${owner.name}`,
      mode: HRTIMER_MODE_HARD,
    });
    for (const cpu of host.cpus) {
      cpu.beforeTimers(() => {
        if (this.armed && cpu === owner.cpu) this.#remap();
      });
    }
  }

  get armed(): boolean {
    return this.#hrtimer.armed;
  }

  start(expiresNs: MonotonicRawNs, mode: HrtimerMode): void {
    this.expiresNs = expiresNs;
    this.#mode = mode;
    this.#hrtimer.start(this.#mapped(), mode);
  }

  cancel(): boolean {
    return this.#hrtimer.cancel();
  }

  #remap(): void {
    if (this.#mappedAt === this.#host.clock.rate().monoMult) return;
    this.#hrtimer.start(this.#mapped(), this.#mode);
  }

  #expired(onExpiry: OnRawExpiry): MonotonicNs | undefined {
    if (this.#host.clock.rawNs() < this.expiresNs) return this.#mapped();
    const next = onExpiry(this);
    if (next === undefined) return undefined;
    this.expiresNs = next;
    return this.#mapped();
  }

  /** Rounded up: at the mapped instant RAW has been reached, but for the steps of the two clocks. */
  #mapped(): MonotonicNs {
    const { clock } = this.#host;
    const { monoMult, rawMult } = clock.rate();
    this.#mappedAt = monoMult;
    const left = this.expiresNs - clock.rawNs();
    const scaled = left <= 0n ? left : (left * BigInt(monoMult) + BigInt(rawMult) - 1n) / BigInt(rawMult);
    return (clock.monotonicNs() + scaled) as MonotonicNs;
  }
}
