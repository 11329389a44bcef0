import type { PvclockReference } from "@chronovisor/pvclock";
import { ChronovisorError } from "../errors.js";
import { readCycleCount, readInteger, readNanoseconds } from "./read-number.js";

const U32_MAX = 2 ** 32 - 1;
const U8_MAX = 255;
/** Shifts C defines for a 64-bit value. */
const MAX_SHIFT = 63;

/** A structure as a host published it; version and flags where they are known. */
export interface PublishedPvclock extends PvclockReference {
  readonly version?: number;
  readonly flags?: number;
}

/** The fields as text, and what an error calls each. */
export interface PvclockText {
  readonly tscTimestamp: readonly [option: string, text: string];
  readonly systemTime: readonly [option: string, text: string];
  readonly mul: readonly [option: string, text: string];
  readonly shift: readonly [option: string, text: string];
  readonly flags?: readonly [option: string, text: string];
  readonly version?: readonly [option: string, text: string];
}

/**
 * A structure from its fields as typed.
 *
 * @throws ChronovisorError naming the field that is out of its width, or a multiplier of 0
 */
export function readPvclock(fields: PvclockText): PublishedPvclock {
  const { flags, version } = fields;
  return {
    tscTimestamp: readCycleCount(...fields.tscTimestamp),
    systemTime: readNanoseconds(...fields.systemTime),
    tscToSystemMul: readInteger(...fields.mul, 1, U32_MAX),
    tscShift: readInteger(...fields.shift, -MAX_SHIFT, MAX_SHIFT),
    ...(flags === undefined ? {} : { flags: readInteger(...flags, 0, U8_MAX) }),
    ...(version === undefined ? {} : { version: readInteger(...version, 0, U32_MAX) }),
  };
}

/**
 * The structure a `kvm_pvclock_update` line of a trace shows; whatever is before and between its fields is not looked at.
 *
 * @throws ChronovisorError naming the field that is missing or out of its width
 */
export function parsePvclockLine(line: string): PublishedPvclock {
  const field = (name: string): readonly [string, string] => {
    const [, text] = new RegExp(`\\b${name}\\s+([^\\s,}]+)`).exec(line) ?? [];
    if (text !== undefined) return [`--line ${name}`, text];
    throw new ChronovisorError(`--line: expected a kvm_pvclock_update line with ${name}, got "${line}"`);
  };
  return readPvclock({
    version: field("version"),
    tscTimestamp: field("tsc_timestamp"),
    systemTime: field("system_time"),
    mul: field("tsc_to_system_mul"),
    shift: field("tsc_shift"),
    flags: field("flags"),
  });
}
