import type { HostTsc, MonotonicNs } from "@chronovisor/clocksource";
import {
  ClockEventDevice,
  type EventDevice,
  KTIME_MAX,
  type ProgramForce,
  TscDeadlineTimer,
} from "@chronovisor/hrtimer";
import type { Engine } from "../engine/engine.js";
import type { HostTime } from "./host-time.js";

/** A CPU's clock event device on the axis. */
export interface EventTimer extends EventDevice {
  /** Host TSC at which it fires; undefined while it is stopped. */
  readonly fireAt: HostTsc | undefined;
  /** It fired: nothing is programmed any more. */
  fired(): void;
  /** CLOCK_MONOTONIC runs at another rate from now on. */
  rateChanged(): void;
}

/**
 * Which device a host has. `ideal`: fires at the first cycle at which CLOCK_MONOTONIC reads the programmed instant,
 * whatever NTP does meanwhile. `fixed-mult`: the LAPIC timer in TSC-deadline mode as Linux drives it up to v7.0, by a
 * multiplier that NTP does not touch. `coupled`: the same from v7.1 on, programmed by the rate of the moment.
 */
export type EventTimerKind = "ideal" | "fixed-mult" | "coupled";

export interface EventTimerOptions {
  readonly kind: EventTimerKind;
  /** The shortest distance of an ideal or coupled device, in host cycles. */
  readonly minDelta: bigint;
  /** TSC frequency as the kernel calibrated it. */
  readonly tscKhz: number;
}

/** Makes the device of one CPU. */
export function createEventTimer(engine: Engine, time: HostTime, options: EventTimerOptions): EventTimer {
  if (options.kind === "fixed-mult") return new FixedMultTimer(engine, time, options.tscKhz);
  return new ClockFollowingTimer(engine, time, options.minDelta, options.kind);
}

/**
 * Knows the first cycle at which CLOCK_MONOTONIC will read an instant; a past or nearer instant fires one minimum later
 * (docs/model/scenarios-lapic §S000.0, §S004). An ideal one keeps knowing it when the rate changes.
 */
class ClockFollowingTimer implements EventTimer {
  readonly #engine: Engine;
  readonly #time: HostTime;
  readonly #minDelta: bigint;
  readonly #isIdeal: boolean;
  #programmed: MonotonicNs | undefined;
  fireAt: HostTsc | undefined;

  constructor(engine: Engine, time: HostTime, minDelta: bigint, kind: "ideal" | "coupled") {
    this.#engine = engine;
    this.#time = time;
    this.#minDelta = minDelta;
    this.#isIdeal = kind === "ideal";
  }

  program(expiresNs: MonotonicNs, force: ProgramForce): boolean {
    if (expiresNs === KTIME_MAX) {
      this.fired();
      return true;
    }
    if (expiresNs <= this.#time.monotonicNs()) {
      if (force !== "force") return false;
      this.#programmed = undefined;
      this.fireAt = (this.#engine.now + this.#minDelta) as HostTsc;
      return true;
    }
    this.#programmed = expiresNs;
    this.#aim(expiresNs);
    return true;
  }

  fired(): void {
    this.#programmed = undefined;
    this.fireAt = undefined;
  }

  rateChanged(): void {
    if (this.#isIdeal && this.#programmed !== undefined) this.#aim(this.#programmed);
  }

  #aim(expiresNs: MonotonicNs): void {
    const due = this.#time.firstTscAt(expiresNs);
    const soonest = (this.#engine.now + this.#minDelta) as HostTsc;
    this.fireAt = due < soonest ? soonest : due;
  }
}

/** Nanoseconds become TSC cycles by the multiplier of the device, fixed at boot (docs/model/hrtimer §6.2). */
class FixedMultTimer implements EventTimer {
  readonly #hardware: TscDeadlineTimer;
  readonly #device: ClockEventDevice;

  constructor(engine: Engine, time: HostTime, tscKhz: number) {
    this.#hardware = new TscDeadlineTimer({ tscKhz, tsc: () => engine.now });
    this.#device = new ClockEventDevice({ clock: time, hardware: this.#hardware });
  }

  get fireAt(): HostTsc | undefined {
    return this.#hardware.deadlineTsc;
  }

  program(expiresNs: MonotonicNs, force: ProgramForce): boolean {
    return this.#device.program(expiresNs, force);
  }

  fired(): void {
    this.#hardware.fire();
  }

  rateChanged(): void {
    // Programmed in cycles: what NTP does later does not reach it.
  }
}
