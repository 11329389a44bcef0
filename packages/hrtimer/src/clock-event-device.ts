import type { MonotonicNs } from "@chronovisor/clocksource";
import {
  type ClockEventConfig,
  type ClockEventHardwareLimits,
  clockEventConfig,
} from "./clock-event-config.js";
import type { EventDevice, ProgramForce } from "./event-device.js";
import { checkKtime, KTIME_MAX } from "./ktime.js";

/** Attempts with one minimum delta before it is raised. */
const TRIES_PER_MIN_DELTA = 3;
const FIRST_RAISED_MIN_DELTA_NS = 5_000n;
const DEFAULT_TICK_NS = 4_000_000n;

/** The register behind a {@link ClockEventDevice}: one countdown that calls the CPU's interrupt when it ends. */
export interface ClockEventHardware extends ClockEventHardwareLimits {
  /** Starts the countdown, replacing the one before; false if the hardware refused. */
  setNextEvent(ticks: bigint): boolean;
  /** Ends the countdown without an interrupt. */
  stop(): void;
}

/** What a {@link ClockEventDevice} is made of. */
export interface ClockEventDeviceOptions {
  /** CLOCK_MONOTONIC, read once per programming. */
  readonly clock: { monotonicNs(): MonotonicNs };
  readonly hardware: ClockEventHardware;
  /** Length of a jiffy: the most that refused programming can raise minDeltaNs to. Default 4 000 000 (CONFIG_HZ=250). */
  readonly tickNs?: bigint;
}

/** A device as plain data. */
export interface ClockEventDeviceState {
  readonly minDeltaNs: string;
  readonly nextEventNs: string;
  readonly retries: number;
}

/**
 * A CPU's clock event device as the kernel drives it: nanoseconds to ticks with a fixed mult/shift, clamped to what the
 * hardware can do (`clockevents_program_event`, kernel/time/clockevents.c; docs/model/hrtimer §6.2).
 *
 * Ticks are rounded down, so the interrupt may come early by less than a tick; the expiry loop then finds nothing due and
 * programs the rest.
 *
 * @throws RangeError for limits {@link clockEventConfig} refuses, or `tickNs` below 1; TypeError for one that is no bigint.
 * @example
 * let now = 1_000_000n;
 * const ticks = [];
 * const hardware = {
 *   freqHz: 312_500_000, minTicks: 15n, maxTicks: 2n ** 64n - 1n,
 *   setNextEvent(n) { ticks.push(n); return true; }, stop() { ticks.push("stop"); },
 * };
 * const device = new ClockEventDevice({ clock: { monotonicNs: () => now }, hardware });
 * device.program(1_100_000n, "attempt") // => true
 * device.program(999_999n, "attempt") // => false
 * device.program(999_999n, "force") // => true
 * device.program(KTIME_MAX, "attempt") // => true
 * ticks // => [ 31250n, 312n, 'stop' ]
 */
export class ClockEventDevice implements EventDevice {
  readonly hardware: ClockEventHardware;
  readonly config: ClockEventConfig;
  readonly #clock: { monotonicNs(): MonotonicNs };
  readonly #mult: bigint;
  readonly #shift: bigint;
  readonly #minDeltaLimitNs: bigint;
  #minDeltaNs: bigint;
  #nextEventNs: bigint = KTIME_MAX;
  #retries = 0;

  constructor(options: ClockEventDeviceOptions) {
    const { tickNs = DEFAULT_TICK_NS } = options;
    if (typeof tickNs !== "bigint") {
      throw new TypeError(`ClockEventDevice: expected tickNs to be a bigint, got ${typeof tickNs}`);
    }
    if (tickNs < 1n) throw new RangeError(`ClockEventDevice: expected tickNs of at least 1, got ${tickNs}`);
    this.#clock = options.clock;
    this.hardware = options.hardware;
    this.config = clockEventConfig(options.hardware);
    this.#mult = BigInt(this.config.mult);
    this.#shift = BigInt(this.config.shift);
    this.#minDeltaLimitNs = tickNs;
    this.#minDeltaNs = this.config.minDeltaNs;
  }

  /** Shortest distance it programs; grows when the hardware refuses. */
  get minDeltaNs(): bigint {
    return this.#minDeltaNs;
  }

  /** What it was last programmed to, CLOCK_MONOTONIC; KTIME_MAX = stopped. */
  get nextEventNs(): bigint {
    return this.#nextEventNs;
  }

  /** Minimum-delta programmings so far. */
  get retries(): number {
    return this.#retries;
  }

  program(expiresNs: MonotonicNs, force: ProgramForce): boolean {
    checkKtime("program", "expiresNs", expiresNs);
    if (force !== "attempt" && force !== "force") {
      throw new TypeError(`program: expected force to be attempt or force, got ${force}`);
    }
    if (expiresNs === KTIME_MAX) {
      this.#nextEventNs = KTIME_MAX;
      this.hardware.stop();
      return true;
    }
    if (expiresNs < 0n) throw new RangeError(`program: expected a non-negative expiresNs, got ${expiresNs}`);
    this.#nextEventNs = expiresNs;
    const delta = expiresNs - this.#clock.monotonicNs();
    if (delta <= 0n) return force === "force" && this.#programMinDelta();
    return this.hardware.setNextEvent(this.#toTicks(delta)) || (force === "force" && this.#programMinDelta());
  }

  /** The device as plain data; its hardware is not part of it. */
  state(): ClockEventDeviceState {
    return {
      minDeltaNs: this.#minDeltaNs.toString(),
      nextEventNs: this.#nextEventNs.toString(),
      retries: this.#retries,
    };
  }

  /** Restores a device over its hardware, which is not touched. @throws as the constructor. */
  static fromState(options: ClockEventDeviceOptions, state: ClockEventDeviceState): ClockEventDevice {
    const device = new ClockEventDevice(options);
    device.#minDeltaNs = BigInt(state.minDeltaNs);
    device.#nextEventNs = BigInt(state.nextEventNs);
    device.#retries = state.retries;
    return device;
  }

  #toTicks(deltaNs: bigint): bigint {
    let clamped = deltaNs < this.config.maxDeltaNs ? deltaNs : this.config.maxDeltaNs;
    if (clamped < this.#minDeltaNs) clamped = this.#minDeltaNs;
    // The product wraps at u64, which a delta within maxDeltaNs does not reach.
    return BigInt.asUintN(64, clamped * this.#mult) >> this.#shift;
  }

  /** `clockevents_program_min_delta` with CONFIG_GENERIC_CLOCKEVENTS_MIN_ADJUST: as soon as the hardware can. */
  #programMinDelta(): boolean {
    for (let tries = 1; ; tries++) {
      this.#nextEventNs = this.#clock.monotonicNs() + this.#minDeltaNs;
      this.#retries++;
      if (this.hardware.setNextEvent(BigInt.asUintN(64, this.#minDeltaNs * this.#mult) >> this.#shift))
        return true;
      if (tries % TRIES_PER_MIN_DELTA === 0 && this.#raiseMinDelta() === "at limit") return false;
    }
  }

  #raiseMinDelta(): "at limit" | "raised" {
    if (this.#minDeltaNs >= this.#minDeltaLimitNs) {
      this.#nextEventNs = KTIME_MAX;
      return "at limit";
    }
    const raised =
      this.#minDeltaNs < FIRST_RAISED_MIN_DELTA_NS
        ? FIRST_RAISED_MIN_DELTA_NS
        : this.#minDeltaNs + (this.#minDeltaNs >> 1n);
    this.#minDeltaNs = raised < this.#minDeltaLimitNs ? raised : this.#minDeltaLimitNs;
    return "raised";
  }
}
