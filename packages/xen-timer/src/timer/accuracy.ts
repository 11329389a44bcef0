import { checkOneOf, checkS64, checkU64 } from "../arguments.js";
import type { SamplePath } from "./sampling.js";

const PATHS: readonly SamplePath[] = ["one-read", "monotonic-then-tsc", "kvmclock-then-monotonic"];

/** What is wrong with "now" at a start. */
export interface SampleErrors {
  /** E1: what the guest's clock reads minus what KVM's does, at the first sample; s64. */
  readonly conversionNs: bigint;
  /** E2: what passed between the two samples, u64. */
  readonly gapNs: bigint;
}

/**
 * How late a timer fires because of the way "now" was read, before delivery; negative is early.
 *
 * From one read: 0. CLOCK_MONOTONIC first: early by the gap. KVM's guest clock first: late by the gap and by what that
 * clock lags the guest's. The last is every timer before v6.9: E1 grows with the time since the last clock update, at 400 ns
 * a second for a scaled 2.5 GHz guest.
 *
 * @param path - how both clocks were read; see `XenTimerStart`.
 * @param errors - see {@link SampleErrors}.
 * @returns nanoseconds, exact at unit rates; each clock's own floor adds up to 1 ns.
 * @throws RangeError or TypeError for an unknown path or a value outside its width.
 * Source: docs/model/xen-timer §7.
 * @example
 * samplingLateness("kvmclock-then-monotonic", { conversionNs: 3243n, gapNs: 50n }) // => 3293n
 * @example
 * samplingLateness("monotonic-then-tsc", { conversionNs: 3243n, gapNs: 50n }) // => -50n
 */
export function samplingLateness(path: SamplePath, errors: SampleErrors): bigint {
  checkOneOf("samplingLateness", "path", path, PATHS);
  checkS64("samplingLateness", "conversionNs", errors.conversionNs);
  checkU64("samplingLateness", "gapNs", errors.gapNs);
  if (path === "one-read") return 0n;
  return path === "monotonic-then-tsc" ? -errors.gapNs : errors.conversionNs + errors.gapNs;
}

/** How fast the guest's clock runs on the host's: both count the same span. */
export interface RatePair {
  /** Guest clock ns, u64. */
  readonly guestNs: bigint;
  /** CLOCK_MONOTONIC ns, u64, not 0. */
  readonly hostNs: bigint;
}

/**
 * How late a timer fires because the host waits on a clock of another rate: the distance armed passes on CLOCK_MONOTONIC, which
 * NTP bends, and the guest's clock does not bend with it. What is left after v6.9.
 *
 * @param remainingNs - the distance armed, u64.
 * @param rates - the same span on both clocks.
 * @returns `remainingNs · (guestNs / hostNs − 1)`, rounded down; exact before that.
 * @throws RangeError or TypeError for a value outside its width, or a host span of 0.
 * Source: docs/model/xen-timer §7.
 * @example
 * rateLateness(100_000n, { guestNs: 1_000_500n, hostNs: 1_000_000n }) // => 50n
 * @example
 * rateLateness(100_000n, { guestNs: 999_500n, hostNs: 1_000_000n }) // => -50n
 */
export function rateLateness(remainingNs: bigint, rates: RatePair): bigint {
  checkU64("rateLateness", "remainingNs", remainingNs);
  checkU64("rateLateness", "guestNs", rates.guestNs);
  checkU64("rateLateness", "hostNs", rates.hostNs);
  if (rates.hostNs === 0n) throw new RangeError("rateLateness: expected hostNs above 0, got 0");
  return (remainingNs * rates.guestNs) / rates.hostNs - remainingNs;
}
