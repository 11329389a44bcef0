import type { HostTsc, MonotonicNs } from "./time-types.js";

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
