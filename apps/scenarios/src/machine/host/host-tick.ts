import type { MonotonicNs } from "@chronovisor/clocksource";
import { HRTIMER_MODE_ABS, HRTIMER_MODE_HARD, HRTIMER_MODE_PINNED, type Hrtimer } from "@chronovisor/hrtimer";
import type { Engine } from "../engine/engine.js";
import type { HostCpu } from "./host-cpu.js";

const TICK_MODE = HRTIMER_MODE_ABS | HRTIMER_MODE_PINNED | HRTIMER_MODE_HARD;

/** How a CPU ticks. */
export interface HostTickOptions {
  /** ns of CLOCK_MONOTONIC: 10^9/HZ, or the residual second of a nohz_full CPU. */
  readonly periodNs: bigint;
  /** CLOCK_MONOTONIC at its first tick, ns. */
  readonly firstNs: bigint;
  /** Whether it stops while the CPU is idle (NO_HZ_IDLE). */
  readonly whenIdle: "stops" | "goes-on";
}

/** What a tick needs of the host it belongs to. */
export interface TickHost {
  readonly engine: Engine;
  readonly monotonicNs: () => bigint;
  readonly createTimer: (name: string, onExpiry: (timer: Hrtimer) => MonotonicNs | undefined) => Hrtimer;
  /** Advances the timekeeper; called from the tick of the CPU that has this duty. */
  readonly advanceClock: () => void;
  /** The tick of this CPU began or ceased to run: the duty to keep time may go elsewhere. */
  readonly tickChanged: () => void;
}

/**
 * The scheduler tick of one CPU: a pinned hrtimer on a grid of CLOCK_MONOTONIC (`tick_sched_timer`), which also advances
 * the timekeeper where that is this CPU's duty. Whatever else it does, each tick is one more look at the timers.
 */
export class HostTick {
  readonly #host: TickHost;
  readonly #cpu: HostCpu;
  readonly #options: HostTickOptions;
  readonly #timer: Hrtimer;
  #running: "yes" | "no" = "no";
  /** Whether this CPU advances the timekeeper (`tick_do_timer_cpu`). */
  keepsTime = false;
  count = 0;

  constructor(host: TickHost, cpu: HostCpu, options: HostTickOptions) {
    this.#host = host;
    this.#cpu = cpu;
    this.#options = options;
    this.#timer = host.createTimer(`tick of ${cpu.name}`, (timer) => this.#tick(timer));
  }

  /** Starts at the next point of the grid, or waits until the CPU is busy. */
  start(): void {
    this.occupancyChanged(this.#cpu.idle ? "idle" : "busy");
  }

  get running(): boolean {
    return this.#running === "yes";
  }

  /** The CPU goes down, or idle. */
  stop(): void {
    if (this.#running === "no") return;
    this.#running = "no";
    this.#host.tickChanged();
    this.#host.engine.on(this.#cpu.lane, () => this.#timer.cancel());
  }

  occupancyChanged(occupancy: "idle" | "busy"): void {
    const runs = occupancy === "busy" || this.#options.whenIdle === "goes-on" ? "yes" : "no";
    if (runs === this.#running || !this.#cpu.online) return;
    if (runs === "no") {
      this.stop();
      return;
    }
    this.#running = "yes";
    this.#host.tickChanged();
    this.#host.engine.on(this.#cpu.lane, () => {
      // Ticks slept through are made up for at once, as the kernel does on leaving idle.
      if (this.keepsTime) this.#host.advanceClock();
      this.#timer.start(this.#nextOnGrid(), TICK_MODE);
    });
  }

  #nextOnGrid(): bigint {
    const { periodNs, firstNs } = this.#options;
    const now = this.#host.monotonicNs();
    return now < firstNs ? firstNs : firstNs + ((now - firstNs) / periodNs + 1n) * periodNs;
  }

  #tick(timer: Hrtimer): MonotonicNs {
    this.count += 1;
    if (this.keepsTime) this.#host.advanceClock();
    timer.forwardNow(this.#options.periodNs);
    return timer.expiresNs;
  }
}
