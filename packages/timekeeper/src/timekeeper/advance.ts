import type { Leap } from "../ntp/leap-second.js";
import type { NtpState } from "../ntp/ntp-state.js";
import { adjust } from "./adjust.js";
import type { TimekeeperCore } from "./core.js";
import { carryRaw } from "./forward.js";
import { ilog2 } from "./ilog2.js";
import { fromNs, toNs } from "./timespec.js";

const NSEC_PER_SEC = 1_000_000_000n;

/**
 * Accumulates `offset` cycles in whole ticks, steers, and carries seconds: the body of `timekeeping_advance`
 * (docs/model/timekeeping-ntp §4).
 *
 * After a long idle the ticks are taken in powers of two, largest first; NTP's tick length is looked up once per step, so
 * a second's new length takes effect from the next step on, not within it.
 *
 * @returns the leap second that was applied, if any.
 */
export function advance(core: TimekeeperCore, ntp: NtpState, offset: bigint): Leap {
  const { cycleInterval } = core;
  let left = offset;
  let leap: Leap = 0;
  let shift = BigInt(firstShift(left, cycleInterval, ntp.tickLength));
  while (left >= cycleInterval) {
    if (left >= cycleInterval << shift) {
      left -= cycleInterval << shift;
      leap = accumulate(core, ntp, shift) || leap;
    }
    if (left < cycleInterval << shift) shift -= 1n;
  }
  adjust(core, left, ntp.tickLength);
  return carrySeconds(core, ntp) || leap;
}

/** As many ticks as fit, but no more than keep a shifted tick length within 63 bits. */
function firstShift(offset: bigint, cycleInterval: bigint, tickLength: bigint): number {
  const fitting = Math.max(0, ilog2(offset) - ilog2(cycleInterval));
  return Math.min(fitting, 62 - ilog2(tickLength));
}

/** Takes 2^shift ticks at once (`logarithmic_accumulation`). */
function accumulate(core: TimekeeperCore, ntp: NtpState, shift: bigint): Leap {
  core.cycleLast += core.cycleInterval << shift;
  core.xtimeNsec += core.xtimeInterval << shift;
  const leap = carrySeconds(core, ntp);
  core.rawNsec += core.rawInterval << shift;
  carryRaw(core);
  const steered = (core.xtimeInterval + core.xtimeRemainder) << core.ntpErrorShift;
  core.ntpError += (core.ntpTick - steered) << shift;
  return leap;
}

/**
 * Whole seconds leave CLOCK_REALTIME's fraction, and NTP does its work for each (`accumulate_nsecs_to_secs`). A leap second
 * moves REALTIME against TAI and MONOTONIC, which stay.
 */
function carrySeconds(core: TimekeeperCore, ntp: NtpState): Leap {
  let applied: Leap = 0;
  while (core.xtimeNsec >= core.second) {
    core.xtimeNsec -= core.second;
    core.xtimeSec += 1n;
    if (core.skipSecondOverflow) {
      core.skipSecondOverflow = false;
      continue;
    }
    const leap = ntp.secondOverflow(core.xtimeSec);
    if (leap === 0) continue;
    core.xtimeSec += BigInt(leap);
    core.setWallToMonotonic(fromNs(toNs(core.wallToMonotonic) - BigInt(leap) * NSEC_PER_SEC));
    core.setTaiOffset(core.taiOffsetSec - leap);
    applied = leap;
  }
  return applied;
}
