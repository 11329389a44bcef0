import type { MonotonicNs } from "@chronovisor/clocksource";
import { HRTIMER_MODE_HARD, type Hrtimer, type OnExpiry } from "@chronovisor/hrtimer";
import type { LapicTimer, OnRawExpiry, RawTimer } from "@chronovisor/lapic";
import type { Host } from "../host/host.js";
import type { TimerTrace } from "../trace/timer-trace.js";
import { MappedRawTimer, RawClockTimer, type TimerOwner } from "./raw-timers.js";
import type { VcpuThread } from "./vcpu-thread.js";

/** How a backlog of callbacks is run; the bytes are the same. */
export type CatchUp = "closed-form" | "stepped";

export interface TimerCallbackOptions {
  readonly catchUp: CatchUp;
  /** What one callback takes, in host cycles. */
  readonly cost: bigint;
  readonly trace: TimerTrace | undefined;
  /** The timer whose callbacks these are; asked for when one runs. */
  readonly timer: () => LapicTimer;
}

/**
 * The hrtimer behind a LAPIC timer's software backend: charges what its callbacks cost, counts them, and advances a
 * backlog of identical ones at once.
 */
export class TimerCallbacks {
  readonly #host: Host;
  readonly #thread: VcpuThread;
  readonly #options: TimerCallbackOptions;
  #hrtimer: Hrtimer | undefined;
  /** The interrupt whose callbacks are being counted, and the horizon of its first pass. */
  #countedInterrupt = -1;
  #firstHorizon: MonotonicNs | undefined;
  #firstPassCallbacks = 0;

  constructor(host: Host, thread: VcpuThread, options: TimerCallbackOptions) {
    this.#host = host;
    this.#thread = thread;
    this.#options = options;
  }

  createTimer(onExpiry: OnExpiry): Hrtimer {
    const timer: Hrtimer = this.#host.hrtimers.createTimer(() => this.#run(timer, onExpiry), {
      name: `LAPIC timer of ${this.#thread.name}`,
      mode: HRTIMER_MODE_HARD,
    });
    this.#hrtimer = timer;
    this.#host.trace?.hrtimers.calls(timer, "apic_timer_fn");
    return timer;
  }

  /** A timer on CLOCK_MONOTONIC_RAW, for the mitigations that arm one. */
  createRawTimer(kind: "own-event" | "mapped", owner: TimerOwner, onExpiry: OnRawExpiry): RawTimer {
    const expire: OnRawExpiry = (timer) => {
      this.#thread.counters.cb += 1;
      this.#options.trace?.callback(owner.cpu.id);
      const next = onExpiry(timer);
      this.#host.engine.spend(this.#options.cost);
      return next;
    };
    return kind === "mapped"
      ? new MappedRawTimer(this.#host, owner, expire)
      : new RawClockTimer(this.#host, owner, expire);
  }

  /** Takes the hrtimer out of its queue without the LAPIC timer knowing. */
  disarm(): void {
    this.#hrtimer?.cancel();
  }

  /** One callback: it reads the clock as it begins, then costs what a callback costs. */
  #run(timer: Hrtimer, onExpiry: OnExpiry): MonotonicNs | undefined {
    const { catchUp, cost, trace } = this.#options;
    const { counters } = this.#thread;
    counters.cb += 1;
    trace?.callback(timer.cpu);
    const next = onExpiry(timer);
    this.#host.engine.spend(cost);
    const { timers } = this.#host.cpu(timer.cpu);
    const horizon = timers.horizon(timer);
    this.#countPass(timers.nrEvents, horizon, 1);
    if (next === undefined || next > horizon || catchUp === "stepped") return next;
    const { count, nextExpiryNs } = this.#options.timer().skipBacklog(next, horizon);
    if (count === 0n) return next;
    // Every callback left out would have advanced by a period and cost the same; the last one due runs as usual.
    const callbacks = Number(count);
    this.#countPass(timers.nrEvents, horizon, callbacks);
    counters.cb += callbacks;
    counters.restarts += callbacks;
    this.#host.engine.spend(count * cost);
    trace?.caughtUp(timer.cpu, count);
    return nextExpiryNs as MonotonicNs;
  }

  /** Callbacks of one pass share its horizon, unless another timer's expiry lies in between. */
  #countPass(interrupt: number, horizon: MonotonicNs, callbacks: number): void {
    if (interrupt !== this.#countedInterrupt) {
      this.#countedInterrupt = interrupt;
      this.#firstHorizon = horizon;
      this.#firstPassCallbacks = 0;
    }
    if (horizon !== this.#firstHorizon) return;
    this.#firstPassCallbacks += callbacks;
    const { counters } = this.#thread;
    if (this.#firstPassCallbacks > counters.cbPass1) counters.cbPass1 = this.#firstPassCallbacks;
  }
}
