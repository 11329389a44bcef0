/**
 * Steps of CLOCK_REALTIME and of the sleep that clocks are told of: each moves xtime and wall_to_monotonic oppositely, so
 * that CLOCK_MONOTONIC's value stays (docs/model/timekeeping-ntp §5). The caller forwards before and publishes after.
 */

import type { TimekeeperCore } from "./core.js";
import { carrySilently } from "./forward.js";
import { fromNs, isSettable, type Timespec, toNs } from "./timespec.js";

/** CLOCK_REALTIME at the last accumulation, whole nanoseconds (`tk_xtime`). */
function xtime(core: TimekeeperCore): Timespec {
  return { sec: core.xtimeSec, nsec: core.xtimeNsec >> core.shift };
}

/** A step back may not go behind the boot: it would make wall_to_monotonic positive. */
function isBehindBoot(core: TimekeeperCore, deltaNs: bigint): boolean {
  return toNs(core.wallToMonotonic) > deltaNs;
}

function moveWall(core: TimekeeperCore, deltaNs: bigint): void {
  core.setWallToMonotonic(fromNs(toNs(core.wallToMonotonic) - deltaNs));
}

/**
 * Sets CLOCK_REALTIME to a settable time. Its fraction of a nanosecond is dropped, so MONOTONIC, whose reading is floored,
 * keeps its value but not its fraction (`do_settimeofday64`).
 *
 * @returns false for a time before the boot: nothing is set.
 */
export function setTime(core: TimekeeperCore, time: Timespec): boolean {
  const deltaNs = toNs(time) - toNs(xtime(core));
  if (isBehindBoot(core, deltaNs)) return false;
  moveWall(core, deltaNs);
  core.xtimeSec = time.sec;
  core.xtimeNsec = time.nsec << core.shift;
  return true;
}

/**
 * Steps CLOCK_REALTIME by a normalised timespec (`timekeeping_inject_offset`).
 *
 * @returns false when the result is before the boot or cannot be set: nothing is stepped.
 */
export function injectOffset(core: TimekeeperCore, delta: Timespec): boolean {
  const deltaNs = toNs(delta);
  if (isBehindBoot(core, deltaNs) || !isSettable(fromNs(toNs(xtime(core)) + deltaNs))) return false;
  addToWall(core, delta);
  return true;
}

/** Adds a sleep to REALTIME, TAI and BOOTTIME (`__timekeeping_inject_sleeptime`). */
export function addSleep(core: TimekeeperCore, sleepNs: bigint): void {
  addToWall(core, fromNs(sleepNs));
  core.offsBoot += sleepNs;
}

function addToWall(core: TimekeeperCore, delta: Timespec): void {
  core.xtimeSec += delta.sec;
  core.xtimeNsec += delta.nsec << core.shift;
  carrySilently(core);
  moveWall(core, toNs(delta));
}
