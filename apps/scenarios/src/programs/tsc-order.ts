import type { GuestTsc } from "@chronovisor/clocksource";

/**
 * Whether a TSC has yet to come to `until`: the nearer way round, as Linux compares counters, so that it holds across the
 * wrap of a TSC that was set to below 0. Both are u64.
 */
export function isBefore(tsc: GuestTsc, until: GuestTsc): boolean {
  return BigInt.asIntN(64, until - tsc) > 0n;
}

/** What the TSC reads `cycles` after `tsc`; u64, wraps as the counter does. */
export function tscAfter(tsc: GuestTsc, cycles: bigint): GuestTsc {
  return BigInt.asUintN(64, tsc + cycles) as GuestTsc;
}
