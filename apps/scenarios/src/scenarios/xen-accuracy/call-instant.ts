import type { HostTsc } from "@chronovisor/clocksource";
import type { XenAccuracyParams } from "./params.js";

const NS_PER_MS = 1_000_000n;

/** Host TSC at which the guest sets the timer the run speaks of. */
export function callTsc({ hostKhz, hostTsc, referenceTsc, age }: XenAccuracyParams): HostTsc {
  return (age === 0n ? hostTsc : referenceTsc + (age * hostKhz) / NS_PER_MS) as HostTsc;
}

/** How old the guest's clock is then, ns, rounded down. */
export function callAgeNs(params: XenAccuracyParams): bigint {
  return ((callTsc(params) - params.referenceTsc) * NS_PER_MS) / params.hostKhz;
}
