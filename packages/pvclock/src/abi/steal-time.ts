/**
 * How long a vCPU's thread has waited for a host CPU: 64 bytes, little-endian, 64-byte aligned.
 *
 *     offset  width  field
 *          0  u64    steal       ns waited, added up
 *          8  u32    version     odd while the host is writing
 *         12  u32    flags       0
 *         16  u8     preempted   bit 0: not running now; bit 1: flush the TLB before running again
 *         17  u8[47] pad         0
 *
 * Source: `arch/x86/include/uapi/asm/kvm_para.h:kvm_steal_time`, `arch/x86/kvm/x86.c:record_steal_time`.
 */

import { checkInteger, checkObject, checkU32, checkU64, viewOf } from "../argument-checks.js";
import { finish, type HostStore } from "./steps.js";
import { closedVersion, openedVersion } from "./version.js";

/** Bytes of the structure. */
export const STEAL_TIME_SIZE = 64;

/** `preempted`: the vCPU is not running. */
export const KVM_VCPU_PREEMPTED: number = 1 << 0;
/** `preempted`: a sibling wants this vCPU's TLB flushed before it runs again. */
export const KVM_VCPU_FLUSH_TLB: number = 1 << 1;

/** Byte offsets of the fields. */
export const STEAL = 0;
export const VERSION = 8;
const FLAGS = 12;
const PREEMPTED = 16;

const LITTLE_ENDIAN = true;
const U = BigInt.asUintN;

/** `struct kvm_steal_time`. */
export interface StealTime {
  /** Time waited, ns, u64. */
  readonly steal: bigint;
  /** Sequence count, u32; odd while the host is writing. */
  readonly version: number;
  /** u32, 0. */
  readonly flags: number;
  /** u8: {@link KVM_VCPU_PREEMPTED}, {@link KVM_VCPU_FLUSH_TLB}. */
  readonly preempted: number;
}

/**
 * The 64 bytes of a `kvm_steal_time`, padding 0.
 *
 * @param time - the fields, each within its width.
 * @returns a new array of 64 bytes.
 * @throws TypeError or RangeError for a field outside its width.
 * Source: `uapi/asm/kvm_para.h`.
 * @example
 * encodeStealTime({ steal: 258n, version: 2, flags: 0, preempted: 1 }).subarray(0, 17).join()
 * // => '2,1,0,0,0,0,0,0,2,0,0,0,0,0,0,0,1'
 */
export function encodeStealTime(time: StealTime): Uint8Array {
  checkObject("encodeStealTime", "time", time);
  checkU64("encodeStealTime", "steal", time.steal);
  checkU32("encodeStealTime", "version", time.version);
  checkU32("encodeStealTime", "flags", time.flags);
  checkInteger("encodeStealTime", "preempted", time.preempted, 0, 255);
  const bytes = new Uint8Array(STEAL_TIME_SIZE);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(STEAL, time.steal, LITTLE_ENDIAN);
  view.setUint32(VERSION, time.version, LITTLE_ENDIAN);
  view.setUint32(FLAGS, time.flags, LITTLE_ENDIAN);
  view.setUint8(PREEMPTED, time.preempted);
  return bytes;
}

/**
 * The fields of a `kvm_steal_time`, whatever they hold.
 *
 * @param bytes - a typed array or DataView; its first 64 bytes are read, padding is ignored.
 * @returns the fields.
 * @throws RangeError for fewer than 64 bytes, TypeError for anything but a view of bytes.
 * Source: `uapi/asm/kvm_para.h`.
 * @example
 * decodeStealTime(new Uint8Array(64)) // => { steal: 0n, version: 0, flags: 0, preempted: 0 }
 */
export function decodeStealTime(bytes: ArrayBufferView): StealTime {
  const view = viewOf("decodeStealTime", "bytes", bytes, STEAL_TIME_SIZE);
  return {
    steal: view.getBigUint64(STEAL, LITTLE_ENDIAN),
    version: view.getUint32(VERSION, LITTLE_ENDIAN),
    flags: view.getUint32(FLAGS, LITTLE_ENDIAN),
    preempted: view.getUint8(PREEMPTED),
  };
}

/**
 * Adds to a vCPU's steal time as it is about to run, pausing after every store: preempted := 0, version odd, the sum in two
 * words, version even. The sum lives in guest memory, so a guest can set it.
 *
 * @param area - guest memory, at least 64 bytes.
 * @param waitedNs - what the thread has waited since it was last recorded (the growth of `run_delay`), ns, u64.
 * @returns a generator that yields after each store and returns what the area holds.
 * @throws TypeError or RangeError for an area too short or a wait that is no u64, before anything is written.
 * Source: `x86.c:record_steal_time`.
 * @example
 * const area = encodeStealTime({ steal: 40n, version: 6, flags: 0, preempted: 1 });
 * const steps = recordStealTimeSteps(area, 2n);
 * [...steps].map(({ store }) => store) // => [ 'preempted', 'version', 'body', 'body', 'version' ]
 * decodeStealTime(area) // => { steal: 42n, version: 8, flags: 0, preempted: 0 }
 */
export function recordStealTimeSteps(
  area: ArrayBufferView,
  waitedNs: bigint,
): Generator<HostStore, StealTime, void> {
  const view = viewOf("recordStealTimeSteps", "area", area, STEAL_TIME_SIZE);
  checkU64("recordStealTimeSteps", "waitedNs", waitedNs);
  return eachStore(view, waitedNs);
}

/**
 * {@link recordStealTimeSteps} without a pause.
 *
 * @param area - guest memory, at least 64 bytes.
 * @param waitedNs - ns waited since the last record, u64.
 * @returns what the area holds; `steal` WRAPS at 64 bits.
 * @throws TypeError or RangeError for an area too short or a wait that is no u64, before anything is written.
 * Source: `x86.c:record_steal_time`.
 * @example
 * recordStealTime(new Uint8Array(64), 5n) // => { steal: 5n, version: 2, flags: 0, preempted: 0 }
 */
export function recordStealTime(area: ArrayBufferView, waitedNs: bigint): StealTime {
  const view = viewOf("recordStealTime", "area", area, STEAL_TIME_SIZE);
  checkU64("recordStealTime", "waitedNs", waitedNs);
  return finish(eachStore(view, waitedNs));
}

function* eachStore(view: DataView, waitedNs: bigint): Generator<HostStore, StealTime, void> {
  view.setUint8(PREEMPTED, 0);
  yield { offset: PREEMPTED, store: "preempted" };

  const version = openedVersion(view.getUint32(VERSION, LITTLE_ENDIAN));
  view.setUint32(VERSION, version, LITTLE_ENDIAN);
  yield { offset: VERSION, store: "version" };

  const steal = U(64, view.getBigUint64(STEAL, LITTLE_ENDIAN) + waitedNs);
  view.setUint32(STEAL, Number(U(32, steal)), LITTLE_ENDIAN);
  yield { offset: STEAL, store: "body" };
  view.setUint32(STEAL + 4, Number(steal >> 32n), LITTLE_ENDIAN);
  yield { offset: STEAL + 4, store: "body" };

  view.setUint32(VERSION, closedVersion(version), LITTLE_ENDIAN);
  yield { offset: VERSION, store: "version" };
  return decodeStealTime(view);
}
