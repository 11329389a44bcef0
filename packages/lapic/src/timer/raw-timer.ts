import type { MonotonicRawNs } from "@chronovisor/clocksource";
import type { HrtimerMode } from "@chronovisor/hrtimer";

/**
 * A `Timer` whose instants are of CLOCK_MONOTONIC_RAW, for the `deadlineClock` values that arm one. No kernel's hrtimers
 * serve that clock (docs/model/timekeeping-ntp §8, M1); whoever hands one out maps its instants to a timer it has.
 */
export interface RawTimer {
  /** Arms the timer for `expiresNs`; an armed timer is moved. A past instant fires as soon as the owner can. */
  start(expiresNs: MonotonicRawNs, mode: HrtimerMode): void;
  /** Disarms; true if it was armed. */
  cancel(): boolean;
  readonly armed: boolean;
  /** The instant of the last start; meaningful while armed and inside the callback. */
  readonly expiresNs: MonotonicRawNs;
}

/** What runs at a RAW timer's expiry, when it is already disarmed; a returned instant of RAW arms it again. */
export type OnRawExpiry = (timer: RawTimer) => MonotonicRawNs | undefined;

/** The factory of RAW timers a device is given. */
export type CreateRawTimer = (onExpiry: OnRawExpiry) => RawTimer;
