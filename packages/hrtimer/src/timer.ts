import type { MonotonicNs } from "@chronovisor/clocksource";
import type { HrtimerMode } from "./mode.js";

/**
 * Something armed for an instant of CLOCK_MONOTONIC: the whole of what a device needs from a timer.
 * `Hrtimer` implements it; an emulator implements it over its own scheduler.
 */
export interface Timer {
  /** Arms the timer for `expiresNs`; an armed timer is moved. A past instant fires as soon as the owner can. */
  start(expiresNs: MonotonicNs, mode: HrtimerMode): void;
  /** Disarms; true if it was armed. */
  cancel(): boolean;
  readonly armed: boolean;
  /** The instant of the last start; meaningful while armed and inside the callback. */
  readonly expiresNs: MonotonicNs;
}

/**
 * What runs at expiry. The timer is already disarmed when it runs. A returned instant arms it again from inside the
 * callback (the kernel's `HRTIMER_RESTART`); `undefined` leaves it as the callback left it.
 */
export type OnExpiry = (timer: Timer) => MonotonicNs | undefined;

/** A device is given the factory, not the timer, so that it owns its callback. */
export type CreateTimer = (onExpiry: OnExpiry) => Timer;
