/**
 * The epoch of a guest's clock: the CLOCK_REALTIME at which kvmclock was 0. 12 bytes, little-endian: u32 version, u32 sec,
 * u32 nsec. The host writes it once, when the guest asks by MSR, and never again; sec ends in 2106.
 *
 * Source: `arch/x86/include/asm/pvclock-abi.h`; docs/model/pvclock §1.2.
 */

import { checkObject, checkU32, checkU64, viewOf } from "../argument-checks.js";
import { finish, type HostStore } from "./steps.js";
import { closedVersion, openedVersion } from "./version.js";

/** Bytes of the structure. */
export const WALL_CLOCK_SIZE = 12;

/** Byte offsets of the fields. */
export const VERSION = 0;
export const SEC = 4;
export const NSEC = 8;

const LITTLE_ENDIAN = true;
const NSEC_PER_SEC = 10n ** 9n;

/** `struct pvclock_wall_clock`. */
export interface WallClock {
  /** Sequence count, u32; odd while the host is writing. */
  readonly version: number;
  /** Seconds since 1970, u32. */
  readonly sec: number;
  /** Nanoseconds, u32; below 10^9 when a host wrote them. */
  readonly nsec: number;
}

/**
 * The 12 bytes of a `pvclock_wall_clock`.
 *
 * @param clock - the fields, each a u32.
 * @returns a new array of 12 bytes.
 * @throws TypeError or RangeError for a field that is no u32.
 * Source: `asm/pvclock-abi.h`; docs/model/pvclock §1.2.
 * @example
 * encodeWallClock({ version: 2, sec: 256, nsec: 1 }) // => Uint8Array(12) [ 2, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0 ]
 */
export function encodeWallClock(clock: WallClock): Uint8Array {
  checkObject("encodeWallClock", "clock", clock);
  checkU32("encodeWallClock", "version", clock.version);
  checkU32("encodeWallClock", "sec", clock.sec);
  checkU32("encodeWallClock", "nsec", clock.nsec);
  const bytes = new Uint8Array(WALL_CLOCK_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(VERSION, clock.version, LITTLE_ENDIAN);
  view.setUint32(SEC, clock.sec, LITTLE_ENDIAN);
  view.setUint32(NSEC, clock.nsec, LITTLE_ENDIAN);
  return bytes;
}

/**
 * The fields of a `pvclock_wall_clock`, whatever they hold.
 *
 * @param bytes - a typed array or DataView; its first 12 bytes are read.
 * @returns the fields.
 * @throws RangeError for fewer than 12 bytes, TypeError for anything but a view of bytes.
 * Source: `asm/pvclock-abi.h`; docs/model/pvclock §1.2.
 * @example
 * decodeWallClock(Uint8Array.of(2, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0)) // => { version: 2, sec: 256, nsec: 1 }
 */
export function decodeWallClock(bytes: ArrayBufferView): WallClock {
  const view = viewOf("decodeWallClock", "bytes", bytes, WALL_CLOCK_SIZE);
  return {
    version: view.getUint32(VERSION, LITTLE_ENDIAN),
    sec: view.getUint32(SEC, LITTLE_ENDIAN),
    nsec: view.getUint32(NSEC, LITTLE_ENDIAN),
  };
}

/**
 * Writes the epoch into guest memory, pausing after every store: version odd, three words, version even.
 *
 * @param area - guest memory, at least 12 bytes.
 * @param epochNs - CLOCK_REALTIME at kvmclock 0, ns, u64. Its seconds are kept mod 2^32.
 * @returns a generator that yields after each store and returns what was written.
 * @throws TypeError or RangeError for an area too short or an epoch that is no u64, before anything is written.
 * Source: `arch/x86/kvm/x86.c:kvm_write_wall_clock`; docs/model/pvclock §1.2.
 * @example
 * const area = new Uint8Array(12);
 * const steps = writeWallClockSteps(area, 1_700_000_000_000_000_007n);
 * [...steps].map(({ offset }) => offset) // => [ 0, 0, 4, 8, 0 ]
 * decodeWallClock(area) // => { version: 2, sec: 1700000000, nsec: 7 }
 */
export function writeWallClockSteps(
  area: ArrayBufferView,
  epochNs: bigint,
): Generator<HostStore, WallClock, void> {
  const view = viewOf("writeWallClockSteps", "area", area, WALL_CLOCK_SIZE);
  checkU64("writeWallClockSteps", "epochNs", epochNs);
  return eachStore(view, epochNs);
}

/**
 * {@link writeWallClockSteps} without a pause.
 *
 * @param area - guest memory, at least 12 bytes.
 * @param epochNs - CLOCK_REALTIME at kvmclock 0, ns, u64.
 * @returns what was written.
 * @throws TypeError or RangeError for an area too short or an epoch that is no u64, before anything is written.
 * Source: `arch/x86/kvm/x86.c:kvm_write_wall_clock`; docs/model/pvclock §1.2.
 * @example
 * writeWallClock(new Uint8Array(12), 3_000_000_004n) // => { version: 2, sec: 3, nsec: 4 }
 */
export function writeWallClock(area: ArrayBufferView, epochNs: bigint): WallClock {
  const view = viewOf("writeWallClock", "area", area, WALL_CLOCK_SIZE);
  checkU64("writeWallClock", "epochNs", epochNs);
  return finish(eachStore(view, epochNs));
}

function* eachStore(view: DataView, epochNs: bigint): Generator<HostStore, WallClock, void> {
  const version = openedVersion(view.getUint32(VERSION, LITTLE_ENDIAN));
  view.setUint32(VERSION, version, LITTLE_ENDIAN);
  yield { offset: VERSION, store: "version" };

  const sec = Number(BigInt.asUintN(32, epochNs / NSEC_PER_SEC));
  const nsec = Number(epochNs % NSEC_PER_SEC);
  const body = new DataView(encodeWallClock({ version, sec, nsec }).buffer);
  for (const offset of [VERSION, SEC, NSEC]) {
    view.setUint32(offset, body.getUint32(offset));
    yield { offset, store: "body" };
  }
  const closed = closedVersion(version);
  view.setUint32(VERSION, closed, LITTLE_ENDIAN);
  yield { offset: VERSION, store: "version" };
  return { version: closed, sec, nsec };
}
