import { clocksourceDelta } from "@chronovisor/clocksource";
import type { TimekeeperCore } from "./core.js";

/** Counter cycles since the last accumulation, 0 for a counter that stepped back (docs/model/clocksource-tsc §1). */
export function cyclesSinceLast(core: TimekeeperCore, cycles: bigint): bigint {
  const { mask, maxRawDelta } = core.clocksource;
  return clocksourceDelta(cycles, core.cycleLast, mask, maxRawDelta, "seven-eighths");
}

/**
 * Brings both clocks to counter value `cycles`, to the cycle: NTP is asked for nothing and sees no error, and no second
 * passes for it (`timekeeping_forward_now`; docs/model/timekeeping-ntp §5).
 *
 * In steps of `maxCycles`, whose product fits 64 bits at any multiplier within `maxadj`; beyond that it WRAPS.
 */
export function forwardNow(core: TimekeeperCore, cycles: bigint): void {
  const { maxCycles, mult: rawMult } = core.clocksource;
  let delta = cyclesSinceLast(core, cycles);
  core.cycleLast = cycles;
  while (delta > 0n) {
    const step = delta < maxCycles ? delta : maxCycles;
    core.xtimeNsec += step * BigInt(core.mult);
    core.rawNsec += step * BigInt(rawMult);
    carrySilently(core);
    carryRaw(core);
    delta -= step;
  }
}

/** Whole seconds leave CLOCK_REALTIME's fraction without NTP hearing of them (`tk_normalize_xtime`). */
export function carrySilently(core: TimekeeperCore): void {
  core.xtimeSec += core.xtimeNsec / core.second;
  core.xtimeNsec %= core.second;
}

export function carryRaw(core: TimekeeperCore): void {
  core.rawSec += core.rawNsec / core.second;
  core.rawNsec %= core.second;
}
