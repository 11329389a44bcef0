import type { HostTsc, MonotonicNs, MonotonicRawNs } from "./time-types.js";

/**
 * How a device reads host time. Every call is a separate counter read unless it is {@link HostClock.sample}: the
 * kernel's two-sample paths and one-sample paths give different answers (docs/model/xen-timer), so a device must say
 * which it takes.
 */
export interface HostClock {
  /** CLOCK_MONOTONIC now (`ktime_get`). */
  monotonicNs(): MonotonicNs;
  /** The host TSC now (`rdtsc`). */
  tsc(): HostTsc;
  /** Both from ONE counter read. */
  sample(): { monotonicNs: MonotonicNs; tsc: HostTsc };
}

/**
 * How the host's counter becomes time at this moment: `ns = cycles · mult / 2^shift`, one multiplier per clock. Both clocks
 * share the shift (docs/model/timekeeping-ntp §1).
 */
export interface ClockRate {
  /** Multiplier of CLOCK_MONOTONIC, as NTP steers it, u32. */
  readonly monoMult: number;
  /** Multiplier of CLOCK_MONOTONIC_RAW, u32: it never changes while the clocksource stays. */
  readonly rawMult: number;
  /** 0 … 63. */
  readonly shift: number;
}

/** A host clock that also says how fast it runs, for a device that compensates for NTP (docs/model/timekeeping-ntp §8). */
export interface SteeredHostClock extends HostClock {
  /** CLOCK_MONOTONIC_RAW now (`ktime_get_raw`). */
  rawNs(): MonotonicRawNs;
  /** The rates in force now; the counter is the host TSC. */
  rate(): ClockRate;
}
