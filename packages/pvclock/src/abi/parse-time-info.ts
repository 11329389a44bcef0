/**
 * A `vcpu_time_info` that somebody pasted, and what is wrong with it.
 *
 * Sources: `arch/x86/include/asm/pvclock-abi.h`; docs/model/pvclock §1.1, §1.5.
 */

import { checkString } from "../argument-checks.js";
import { bytesOfText } from "./memory-text.js";
import {
  decodeVcpuTimeInfo,
  FLAGS,
  PVCLOCK_GUEST_STOPPED,
  PVCLOCK_TSC_STABLE_BIT,
  TSC_SHIFT,
  TSC_TO_SYSTEM_MUL,
  VCPU_TIME_INFO_SIZE,
  type VcpuTimeInfo,
  VERSION,
} from "./vcpu-time-info.js";

/** Every finding, the ones that make the clock unreadable first. */
export const TIME_INFO_FINDINGS = {
  /** The version is odd: the fields may be a mix of two updates. */
  "update-in-progress": "error",
  /** The shift is outside −63 … 63, where C defines no result. */
  "shift-out-of-range": "error",
  /** The multiplier is 0: the clock stands still, and a guest deriving its TSC frequency takes a divide error. */
  "multiplier-zero": "error",
  /** The version is 0: no host has written here, or it wrapped. */
  "never-written": "warning",
  /** The host set GUEST_STOPPED and the guest has not looked yet. */
  "guest-stopped": "warning",
  /** Flag bits other than 0 and 1 are set; guests ignore them. */
  "unknown-flags": "warning",
  /** The multiplier is below 2^31: a host normalises it. */
  "multiplier-not-normalised": "warning",
  /** Padding is not 0: perhaps not the start of the structure. */
  "padding-not-zero": "warning",
} as const;

/** The name of a finding. */
export type TimeInfoFindingName = keyof typeof TIME_INFO_FINDINGS;

/** Something to know about a pasted structure. */
export interface TimeInfoFinding {
  readonly finding: TimeInfoFindingName;
  /** An `error` makes readings meaningless, a `warning` does not. */
  readonly severity: "error" | "warning";
  /** Byte offset of the field. */
  readonly offset: number;
  /** The value found there. */
  readonly value: number;
}

/** A pasted structure: its fields, and what is wrong with them. */
export interface ParsedTimeInfo {
  readonly info: VcpuTimeInfo;
  /** Empty for one a host left in good order; in the order of {@link TIME_INFO_FINDINGS}. */
  readonly findings: readonly TimeInfoFinding[];
}

const PAD0 = 4;
const PAD = 30;
const NORMALISED_MUL = 2 ** 31;
const KNOWN_FLAGS = PVCLOCK_TSC_STABLE_BIT | PVCLOCK_GUEST_STOPPED;
const LITTLE_ENDIAN = true;

/**
 * Reads a `vcpu_time_info` from text: hex digits with or without separators, `0x` bytes or little-endian `0x` words, or the
 * output of xxd, `hexdump -C` or gdb's `x`.
 *
 * @param text - 32 bytes, in any of these forms.
 * @returns the fields, and findings by name.
 * @throws PvclockTextError whose `fault` is `not-hex`, `truncated` or `surplus` when the text holds no 32 bytes; TypeError for
 * anything but a string.
 * Source: docs/model/pvclock §1.1.
 * @example
 * const pasted = `00000000: 0300 0000 0000 0000 2ca4 6edb b70a 0000  ........,.n.....
 * 00000010: 9a39 4984 a900 0000 5dd7 5ed1 ff01 0000  .9I.....].^.....`;
 * const { info, findings } = parseVcpuTimeInfo(pasted);
 * [info.tscTimestamp, info.systemTime, info.tscToSystemMul] // => [ 11784776754220n, 728068864410n, 3512653661 ]
 * findings // => [ { finding: 'update-in-progress', severity: 'error', offset: 0, value: 3 } ]
 */
export function parseVcpuTimeInfo(text: string): ParsedTimeInfo {
  checkString("parseVcpuTimeInfo", "text", text);
  const bytes = bytesOfText("parseVcpuTimeInfo", text, VCPU_TIME_INFO_SIZE);
  const info = decodeVcpuTimeInfo(bytes);
  return { info, findings: findingsOf(info, new DataView(bytes.buffer)) };
}

function findingsOf(info: VcpuTimeInfo, view: DataView): TimeInfoFinding[] {
  const { version, tscToSystemMul: mul, tscShift, flags } = info;
  const pad0 = view.getUint32(PAD0, LITTLE_ENDIAN);
  const pad = view.getUint16(PAD, LITTLE_ENDIAN);
  const found: readonly (readonly [TimeInfoFindingName, boolean, number, number])[] = [
    ["update-in-progress", (version & 1) === 1, VERSION, version],
    ["shift-out-of-range", tscShift < -63 || tscShift > 63, TSC_SHIFT, tscShift],
    ["multiplier-zero", mul === 0, TSC_TO_SYSTEM_MUL, mul],
    ["never-written", version === 0, VERSION, version],
    ["guest-stopped", (flags & PVCLOCK_GUEST_STOPPED) !== 0, FLAGS, flags],
    ["unknown-flags", (flags & ~KNOWN_FLAGS) !== 0, FLAGS, flags],
    ["multiplier-not-normalised", mul !== 0 && mul < NORMALISED_MUL, TSC_TO_SYSTEM_MUL, mul],
    ["padding-not-zero", pad0 !== 0, PAD0, pad0],
    ["padding-not-zero", pad !== 0, PAD, pad],
  ];
  return found
    .filter(([, isFound]) => isFound)
    .map(([finding, , offset, value]) => ({ finding, severity: TIME_INFO_FINDINGS[finding], offset, value }));
}
