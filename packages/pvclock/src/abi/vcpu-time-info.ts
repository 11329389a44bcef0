/**
 * The structure a host shares with each vCPU so that the guest can tell the time without an exit: 32 bytes, little-endian.
 *
 *     offset  width  field
 *          0  u32    version             odd while the host is writing
 *          4  u32    pad0                0
 *          8  u64    tsc_timestamp       guest TSC at the reference point
 *         16  u64    system_time         ns at the reference point
 *         24  u32    tsc_to_system_mul   0.32 fixed point
 *         28  s8     tsc_shift           pre-shift of the TSC difference
 *         29  u8     flags
 *         30  u8[2]  pad                 0
 *
 * Native Xen calls bytes 29 … 31 padding, so a guest looks at CPUID before it trusts a flag.
 *
 * Source: `arch/x86/include/asm/pvclock-abi.h`; docs/model/pvclock §1.1.
 */

import { checkInteger, checkObject, checkU32, checkU64, viewOf } from "../argument-checks.js";

/** Bytes of the structure. */
export const VCPU_TIME_INFO_SIZE = 32;

/** `flags`: every vCPU's structure describes one clock, so readings need no clamp between vCPUs. */
export const PVCLOCK_TSC_STABLE_BIT: number = 1 << 0;
/** `flags`: the host stopped this guest; its watchdogs should not count the gap. The guest clears it. */
export const PVCLOCK_GUEST_STOPPED: number = 1 << 1;
/** `flags`: retired; to be ignored. */
export const PVCLOCK_COUNTS_FROM_ZERO: number = 1 << 2;

/** Byte offsets of the fields. */
export const VERSION = 0;
export const TSC_TIMESTAMP = 8;
export const SYSTEM_TIME = 16;
export const TSC_TO_SYSTEM_MUL = 24;
export const TSC_SHIFT = 28;
export const FLAGS = 29;

const LITTLE_ENDIAN = true;

/** A reference point and a rate: what turns a guest TSC into nanoseconds. */
export interface PvclockReference {
  /** Guest TSC at the reference point, u64 (`tsc_timestamp`). */
  readonly tscTimestamp: bigint;
  /** Nanoseconds at the reference point, u64 (`system_time`). */
  readonly systemTime: bigint;
  /** Multiplier, u32, 0.32 fixed point (`tsc_to_system_mul`). */
  readonly tscToSystemMul: number;
  /** Pre-shift of the TSC difference, s8, negative shifts right (`tsc_shift`). The formula is defined for −63 … 63. */
  readonly tscShift: number;
}

/** `struct pvclock_vcpu_time_info`. */
export interface VcpuTimeInfo extends PvclockReference {
  /** Sequence count, u32; odd while the host is writing. */
  readonly version: number;
  /** u8: {@link PVCLOCK_TSC_STABLE_BIT}, {@link PVCLOCK_GUEST_STOPPED}. */
  readonly flags: number;
}

/**
 * The 32 bytes of a `vcpu_time_info`, padding 0.
 *
 * @param info - the fields, each within its width.
 * @returns a new array of 32 bytes.
 * @throws TypeError or RangeError for a field outside its width.
 * Source: `asm/pvclock-abi.h`; docs/model/pvclock §1.1.
 * @example
 * const info = { version: 2, tscTimestamp: 5n, systemTime: 7n, tscToSystemMul: 2 ** 31, tscShift: -1, flags: 1 };
 * encodeVcpuTimeInfo(info).subarray(24) // => Uint8Array(8) [ 0, 0, 0, 128, 255, 1, 0, 0 ]
 */
export function encodeVcpuTimeInfo(info: VcpuTimeInfo): Uint8Array {
  checkTimeInfo("encodeVcpuTimeInfo", info);
  const bytes = new Uint8Array(VCPU_TIME_INFO_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(VERSION, info.version, LITTLE_ENDIAN);
  view.setBigUint64(TSC_TIMESTAMP, info.tscTimestamp, LITTLE_ENDIAN);
  view.setBigUint64(SYSTEM_TIME, info.systemTime, LITTLE_ENDIAN);
  view.setUint32(TSC_TO_SYSTEM_MUL, info.tscToSystemMul, LITTLE_ENDIAN);
  view.setInt8(TSC_SHIFT, info.tscShift);
  view.setUint8(FLAGS, info.flags);
  return bytes;
}

/**
 * The fields of a `vcpu_time_info`, whatever they hold: an odd version and an absurd shift are read as they stand.
 *
 * For text a person pasted, and for a word on what is wrong with it, there is {@link parseVcpuTimeInfo}.
 *
 * @param bytes - a typed array or DataView; its first 32 bytes are read, padding is ignored.
 * @returns the fields.
 * @throws RangeError for fewer than 32 bytes, TypeError for anything but a view of bytes.
 * Source: `asm/pvclock-abi.h`; docs/model/pvclock §1.1.
 * @example
 * const bytes = new Uint8Array(32);
 * bytes.set([4, 0, 0, 0], 0);
 * bytes.set([0x67, 0x66, 0x66, 0xa6, 0xff, 1], 24);
 * const { version, tscToSystemMul, tscShift, flags } = decodeVcpuTimeInfo(bytes);
 * [version, tscToSystemMul, tscShift, flags] // => [ 4, 2791728743, -1, 1 ]
 */
export function decodeVcpuTimeInfo(bytes: ArrayBufferView): VcpuTimeInfo {
  const view = viewOf("decodeVcpuTimeInfo", "bytes", bytes, VCPU_TIME_INFO_SIZE);
  return {
    version: view.getUint32(VERSION, LITTLE_ENDIAN),
    tscTimestamp: view.getBigUint64(TSC_TIMESTAMP, LITTLE_ENDIAN),
    systemTime: view.getBigUint64(SYSTEM_TIME, LITTLE_ENDIAN),
    tscToSystemMul: view.getUint32(TSC_TO_SYSTEM_MUL, LITTLE_ENDIAN),
    tscShift: view.getInt8(TSC_SHIFT),
    flags: view.getUint8(FLAGS),
  };
}

/** Throws unless every field of `info` has its width. */
export function checkTimeInfo(fn: string, info: VcpuTimeInfo): void {
  checkObject(fn, "info", info);
  checkU32(fn, "version", info.version);
  checkU64(fn, "tscTimestamp", info.tscTimestamp);
  checkU64(fn, "systemTime", info.systemTime);
  checkU32(fn, "tscToSystemMul", info.tscToSystemMul);
  checkInteger(fn, "tscShift", info.tscShift, -128, 127);
  checkInteger(fn, "flags", info.flags, 0, 255);
}
