/**
 * How the host writes a `vcpu_time_info`, one store after the other, so that a guest can be let in between any two.
 *
 *     version := (found + 1) | 1        the guest's own copy decides what comes next
 *     GUEST_STOPPED kept if the guest's copy still has it, set if one is asked for
 *     32 bytes, version still odd
 *     flags without bit 0               Xen areas of a guest that must not trust the TSC
 *     version := version + 1
 *
 * The kernel copies the 32 bytes with `memcpy`; here they go out as eight 32-bit words in ascending order, fine enough that
 * a 64-bit field can be seen half written.
 *
 * Source: `arch/x86/kvm/x86.c:kvm_setup_guest_pvclock`; docs/model/pvclock §1.4.
 */

import { checkBoolean, checkObject, viewOf } from "../argument-checks.js";
import { finish, type HostStore } from "./steps.js";
import {
  checkTimeInfo,
  encodeVcpuTimeInfo,
  FLAGS,
  PVCLOCK_GUEST_STOPPED,
  PVCLOCK_TSC_STABLE_BIT,
  VCPU_TIME_INFO_SIZE,
  type VcpuTimeInfo,
  VERSION,
} from "./vcpu-time-info.js";
import { closedVersion, openedVersion } from "./version.js";

const LITTLE_ENDIAN = true;
const WORD = 4;

/** What the host wants to publish; the version comes from guest memory. */
export type TimeInfoUpdate = Omit<VcpuTimeInfo, "version">;

/** What else a write of a `vcpu_time_info` does. Both are off unless given. */
export interface TimeInfoWriteOptions {
  /** Sets GUEST_STOPPED: a KVM_KVMCLOCK_CTRL is pending. */
  readonly guestStopped?: boolean;
  /** Clears bit 0 in the guest's copy only, as for Xen areas under PVCLOCK_TSC_UNSTABLE. */
  readonly hideTscStable?: boolean;
}

/**
 * Writes a `vcpu_time_info`, pausing after every store.
 *
 * @param area - guest memory, at least 32 bytes.
 * @param update - what to publish.
 * @param options - GUEST_STOPPED, and hiding bit 0.
 * @returns a generator that yields after each store and returns what the vCPU's cached copy holds afterwards: the closed
 * version, and the flags with GUEST_STOPPED merged in but bit 0 not hidden.
 * @throws TypeError or RangeError for an area too short or a field outside its width, before anything is written.
 * Source: `x86.c:kvm_setup_guest_pvclock`; docs/model/pvclock §1.4.
 * @example
 * const update = { tscTimestamp: 0n, systemTime: 0n, tscToSystemMul: 2 ** 31, tscShift: 0, flags: 1 };
 * const area = new Uint8Array(32);
 * const steps = writeVcpuTimeInfoSteps(area, update);
 * steps.next().value // => { offset: 0, store: 'version' }
 * decodeVcpuTimeInfo(area).version // => 1
 * [...steps].length // => 9
 * decodeVcpuTimeInfo(area).version // => 2
 */
export function writeVcpuTimeInfoSteps(
  area: ArrayBufferView,
  update: TimeInfoUpdate,
  options: TimeInfoWriteOptions = {},
): Generator<HostStore, VcpuTimeInfo, void> {
  return stepsOf("writeVcpuTimeInfoSteps", area, update, options);
}

/**
 * {@link writeVcpuTimeInfoSteps} without a pause: what a guest sees that does not look while the host writes.
 *
 * @param area - guest memory, at least 32 bytes.
 * @param update - what to publish.
 * @param options - GUEST_STOPPED, and hiding bit 0.
 * @returns what the vCPU's cached copy holds afterwards.
 * @throws TypeError or RangeError for an area too short or a field outside its width, before anything is written.
 * Source: `x86.c:kvm_setup_guest_pvclock`; docs/model/pvclock §1.4.
 * @example
 * const update = { tscTimestamp: 0n, systemTime: 0n, tscToSystemMul: 2 ** 31, tscShift: 0, flags: 1 };
 * const scribbled = Uint8Array.from({ length: 32 }, () => 255);
 * const { version, flags } = writeVcpuTimeInfo(scribbled, update);
 * [version, flags] // => [ 2, 3 ]
 */
export function writeVcpuTimeInfo(
  area: ArrayBufferView,
  update: TimeInfoUpdate,
  options: TimeInfoWriteOptions = {},
): VcpuTimeInfo {
  return finish(stepsOf("writeVcpuTimeInfo", area, update, options));
}

/**
 * Takes bit 0 back from a `vcpu_time_info` that has it, as one update that changes nothing else: the version steps once,
 * padding and all other fields stay. An area without the bit is left alone.
 *
 * Linux 6.18 was seen to do so at the write of the system-time MSR, before the vCPU runs.
 *
 * @param area - guest memory, at least 32 bytes.
 * @returns true if the bit was there.
 * @throws RangeError for an area too short, TypeError for anything but a view of bytes.
 * Source: recorded rows (`live-kvm/pvclock`); the section "Observed on a running kernel" of docs/model/pvclock.
 * @example
 * const area = new Uint8Array(32);
 * area[29] = 5;
 * retractTscStable(area) // => true
 * [area[0], area[29]] // => [ 2, 4 ]
 */
export function retractTscStable(area: ArrayBufferView): boolean {
  const view = viewOf("retractTscStable", "area", area, VCPU_TIME_INFO_SIZE);
  const flags = view.getUint8(FLAGS);
  if ((flags & PVCLOCK_TSC_STABLE_BIT) === 0) return false;
  const opened = openedVersion(view.getUint32(VERSION, LITTLE_ENDIAN));
  view.setUint32(VERSION, opened, LITTLE_ENDIAN);
  view.setUint8(FLAGS, flags & ~PVCLOCK_TSC_STABLE_BIT);
  view.setUint32(VERSION, closedVersion(opened), LITTLE_ENDIAN);
  return true;
}

/** Checks now, writes when stepped: a generator's own body would not run before the first `next`. */
function stepsOf(
  fn: string,
  area: ArrayBufferView,
  update: TimeInfoUpdate,
  options: TimeInfoWriteOptions,
): Generator<HostStore, VcpuTimeInfo, void> {
  const view = viewOf(fn, "area", area, VCPU_TIME_INFO_SIZE);
  checkObject(fn, "update", update);
  checkTimeInfo(fn, { ...update, version: 0 });
  checkObject(fn, "options", options);
  const { guestStopped = false, hideTscStable = false } = options;
  checkBoolean(fn, "guestStopped", guestStopped);
  checkBoolean(fn, "hideTscStable", hideTscStable);
  return eachStore(view, { ...update }, guestStopped ? PVCLOCK_GUEST_STOPPED : 0, hideTscStable);
}

function* eachStore(
  view: DataView,
  update: TimeInfoUpdate,
  stopped: number,
  hideTscStable: boolean,
): Generator<HostStore, VcpuTimeInfo, void> {
  const version = openedVersion(view.getUint32(VERSION, LITTLE_ENDIAN));
  view.setUint32(VERSION, version, LITTLE_ENDIAN);
  yield { offset: VERSION, store: "version" };

  const flags = update.flags | stopped | (view.getUint8(FLAGS) & PVCLOCK_GUEST_STOPPED);
  const body = new DataView(encodeVcpuTimeInfo({ ...update, version, flags }).buffer);
  for (let offset = 0; offset < VCPU_TIME_INFO_SIZE; offset += WORD) {
    view.setUint32(offset, body.getUint32(offset));
    yield { offset, store: "body" };
  }
  if (hideTscStable) {
    view.setUint8(FLAGS, view.getUint8(FLAGS) & ~PVCLOCK_TSC_STABLE_BIT);
    yield { offset: FLAGS, store: "flags" };
  }
  const closed = closedVersion(version);
  view.setUint32(VERSION, closed, LITTLE_ENDIAN);
  yield { offset: VERSION, store: "version" };
  return { ...update, version: closed, flags };
}
