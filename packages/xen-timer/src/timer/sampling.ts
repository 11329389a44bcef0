import type { MonotonicNs } from "@chronovisor/clocksource";
import type { XenTimerBehaviours } from "../behaviours.js";
import type { XenGuestClock, XenHostClock } from "../clocks.js";

/**
 * How "now" was read on both clocks: from one read of the TSC; from CLOCK_MONOTONIC and then the TSC, when the host's clock
 * has just left it; or KVM's guest clock and then CLOCK_MONOTONIC, the old way and the fallback.
 */
export type SamplePath = "one-read" | "monotonic-then-tsc" | "kvmclock-then-monotonic";

/** "Now" on both clocks. */
export interface Sample {
  readonly path: SamplePath;
  readonly guestNowNs: bigint;
  /** Reads CLOCK_MONOTONIC, or gives what was read with the guest clock. The old way calls it only to arm a timer. */
  readonly monotonicNs: () => MonotonicNs;
}

/** Reads both clocks in the kernel's order (docs/model/xen-timer §4.1, §4.2). */
export function sampleClocks(
  behaviours: XenTimerBehaviours,
  host: XenHostClock,
  guest: XenGuestClock,
): Sample {
  const late = (): MonotonicNs => host.monotonicNs();
  if (behaviours.xenStart === "split-samples") {
    return { path: "kvmclock-then-monotonic", guestNowNs: guest.kvmclockNs(), monotonicNs: late };
  }
  const clock = guest.vcpuClock(behaviours.xenTimerClock);
  if (clock === undefined) {
    const guestNowNs = guest.kvmclockNs();
    const monotonicNs = host.monotonicNs();
    return { path: "kvmclock-then-monotonic", guestNowNs, monotonicNs: () => monotonicNs };
  }
  const both = host.sample();
  if (both !== undefined) {
    return { path: "one-read", guestNowNs: clock.nsAt(both.tsc), monotonicNs: () => both.monotonicNs };
  }
  const monotonicNs = host.monotonicNs();
  const guestNowNs = clock.nsAt(host.tsc());
  return { path: "monotonic-then-tsc", guestNowNs, monotonicNs: () => monotonicNs };
}
