import type { HostTsc } from "@chronovisor/clocksource";

/** The counter under the host's timekeeper, as a function of the axis. */
export interface HostCounter {
  /** Its value at `tsc`, u64. */
  read(tsc: HostTsc): bigint;
  /** The first host TSC at which it reads `count` or more. */
  firstTscAt(count: bigint): HostTsc;
}

/** The TSC itself. */
export const TSC_COUNTER: HostCounter = {
  read: (tsc) => tsc,
  firstTscAt: (count) => count as HostTsc,
};
