/**
 * The guest's reads of the two other structures that a version guards: the wall clock and steal time. Here the version is not
 * masked, its low bit is tested after the fields were read; the outcome is the same.
 *
 * Source: `arch/x86/kernel/pvclock.c:pvclock_read_wallclock`, `arch/x86/kernel/kvm.c:kvm_steal_clock`; docs/model/pvclock §1.5.
 */

import { STEAL, STEAL_TIME_SIZE, VERSION as STEAL_VERSION } from "../abi/steal-time.js";
import { NSEC, SEC, VERSION, WALL_CLOCK_SIZE, type WallClock } from "../abi/wall-clock.js";
import { viewOf } from "../argument-checks.js";
import { type GuestLoad, runAttempts } from "./guest-load.js";

const LITTLE_ENDIAN = true;

/**
 * Reads a `pvclock_wall_clock`, pausing after every load; it goes on for as long as the version is odd.
 *
 * @param area - guest memory, at least 12 bytes.
 * @returns a generator that yields after each load and returns what one version held.
 * @throws RangeError for an area too short, TypeError for anything but a view of bytes.
 * Source: `pvclock.c:pvclock_read_wallclock`; docs/model/pvclock §1.5.
 * @example
 * const area = encodeWallClock({ version: 2, sec: 7, nsec: 9 });
 * const steps = readWallClockSteps(area);
 * [...steps].map(({ load }) => load) // => [ 'version', 'sec', 'nsec' ]
 */
export function readWallClockSteps(area: ArrayBufferView): Generator<GuestLoad, WallClock, void> {
  return wallClockLoads(viewOf("readWallClockSteps", "area", area, WALL_CLOCK_SIZE));
}

/**
 * {@link readWallClockSteps} without a pause.
 *
 * @param area - guest memory, at least 12 bytes.
 * @returns what one version held; undefined if the version is odd, where a guest would spin.
 * @throws RangeError for an area too short, TypeError for anything but a view of bytes.
 * Source: `pvclock.c:pvclock_read_wallclock`; docs/model/pvclock §1.5.
 * @example
 * readWallClock(encodeWallClock({ version: 2, sec: 7, nsec: 9 })) // => { version: 2, sec: 7, nsec: 9 }
 * readWallClock(encodeWallClock({ version: 3, sec: 7, nsec: 9 })) // => undefined
 */
export function readWallClock(area: ArrayBufferView): WallClock | undefined {
  return runAttempts(wallClockLoads(viewOf("readWallClock", "area", area, WALL_CLOCK_SIZE)));
}

/**
 * Reads a vCPU's steal time, pausing after every load; it goes on for as long as the version is odd.
 *
 * @param area - guest memory, at least 64 bytes.
 * @returns a generator that yields after each load and returns nanoseconds, u64.
 * @throws RangeError for an area too short, TypeError for anything but a view of bytes.
 * Source: `kvm.c:kvm_steal_clock`.
 * @example
 * const area = encodeStealTime({ steal: 5n, version: 2, flags: 0, preempted: 0 });
 * const steps = readStealTimeSteps(area);
 * [...steps].map(({ load }) => load) // => [ 'version', 'steal' ]
 */
export function readStealTimeSteps(area: ArrayBufferView): Generator<GuestLoad, bigint, void> {
  return stealTimeLoads(viewOf("readStealTimeSteps", "area", area, STEAL_TIME_SIZE));
}

/**
 * {@link readStealTimeSteps} without a pause.
 *
 * @param area - guest memory, at least 64 bytes.
 * @returns nanoseconds, u64; undefined if the version is odd, where a guest would spin.
 * @throws RangeError for an area too short, TypeError for anything but a view of bytes.
 * Source: `kvm.c:kvm_steal_clock`.
 * @example
 * readStealTime(encodeStealTime({ steal: 5n, version: 2, flags: 0, preempted: 0 })) // => 5n
 */
export function readStealTime(area: ArrayBufferView): bigint | undefined {
  return runAttempts(stealTimeLoads(viewOf("readStealTime", "area", area, STEAL_TIME_SIZE)));
}

/** Reads an area already checked. */
export function* wallClockLoads(view: DataView): Generator<GuestLoad, WallClock, void> {
  for (let attempt = 1; ; attempt++) {
    const version = view.getUint32(VERSION, LITTLE_ENDIAN);
    yield { attempt, load: "version" };
    const sec = view.getUint32(SEC, LITTLE_ENDIAN);
    yield { attempt, load: "sec" };
    const nsec = view.getUint32(NSEC, LITTLE_ENDIAN);
    yield { attempt, load: "nsec" };
    if (isUnchanged(view, VERSION, version)) return { version, sec, nsec };
  }
}

function* stealTimeLoads(view: DataView): Generator<GuestLoad, bigint, void> {
  for (let attempt = 1; ; attempt++) {
    const version = view.getUint32(STEAL_VERSION, LITTLE_ENDIAN);
    yield { attempt, load: "version" };
    const steal = view.getBigUint64(STEAL, LITTLE_ENDIAN);
    yield { attempt, load: "steal" };
    if (isUnchanged(view, STEAL_VERSION, version)) return steal;
  }
}

function isUnchanged(view: DataView, offset: number, version: number): boolean {
  return (version & 1) === 0 && view.getUint32(offset, LITTLE_ENDIAN) === version;
}
