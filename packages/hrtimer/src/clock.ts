import type { MonotonicNs } from "@chronovisor/clocksource";

/** Distances of the other clocks from CLOCK_MONOTONIC, as `ktime_get_update_offsets_now` hands them out. */
export interface ClockOffsets {
  /** Changes whenever one of the offsets changed (the timekeeper's `clock_was_set_seq`). */
  readonly sequence: number;
  /** CLOCK_REALTIME − CLOCK_MONOTONIC, signed 64-bit nanoseconds. */
  readonly realtimeNs: bigint;
  /** CLOCK_BOOTTIME − CLOCK_MONOTONIC. */
  readonly boottimeNs: bigint;
  /** CLOCK_TAI − CLOCK_MONOTONIC. */
  readonly taiNs: bigint;
}

/** How the timers read time. */
export interface HrtimerClock {
  /** CLOCK_MONOTONIC now (`ktime_get`). Must not run backwards. */
  monotonicNs(): MonotonicNs;
  /** The other clocks now; without it all four clocks are the same. */
  offsets?(): ClockOffsets;
}

/** All clocks equal CLOCK_MONOTONIC. */
export const NO_OFFSETS: ClockOffsets = { sequence: 0, realtimeNs: 0n, boottimeNs: 0n, taiNs: 0n };
