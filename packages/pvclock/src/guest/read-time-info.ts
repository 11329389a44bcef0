/**
 * How a guest reads its `vcpu_time_info` while the host may be writing it, one load after the other, so that the host can be
 * let in between any two.
 *
 *     again:  v  = version & ~1
 *             t  = rdtsc, ordered after that load
 *             ns = system_time + pvScale(t − tsc_timestamp, mul, shift);  fl = flags
 *             if version ≠ v go to again
 *
 * The mask makes an odd version fail whatever the host did meanwhile. What was read in a failed attempt is thrown away.
 *
 * Source: `arch/x86/include/asm/pvclock.h:pvclock_read_begin`, `pvclock_read_retry`; docs/model/pvclock §1.5.
 */

import type { GuestTsc, KvmclockNs } from "@chronovisor/clocksource";
import {
  FLAGS,
  type PvclockReference,
  SYSTEM_TIME,
  TSC_SHIFT,
  TSC_TIMESTAMP,
  TSC_TO_SYSTEM_MUL,
  VCPU_TIME_INFO_SIZE,
  VERSION,
} from "../abi/vcpu-time-info.js";
import { checkFunction, viewOf } from "../argument-checks.js";
import { type GuestLoad, runAttempts } from "./guest-load.js";
import { readCycles } from "./read-cycles.js";

const LITTLE_ENDIAN = true;

/** Reads the guest's TSC. Called once per attempt. */
export type ReadTsc = () => GuestTsc;

/** What a guest made of its `vcpu_time_info`. */
export interface TimeInfoReading {
  /** Nanoseconds by the formula, before any clamp. */
  readonly ns: KvmclockNs;
  /** The TSC they were computed for. */
  readonly tsc: GuestTsc;
  /** The flags byte of the same version. */
  readonly flags: number;
  /** The even version all of it belongs to. */
  readonly version: number;
  /** Attempts taken, 1 or more. */
  readonly attempts: number;
}

/**
 * Reads a `vcpu_time_info`, pausing after every load.
 *
 * It does not end by itself while the version stays odd, as a guest would not: the caller decides how long to step.
 *
 * A shift that C leaves undefined is taken as x86 takes it, mod 64: an area no host has written holds anything.
 *
 * @param area - guest memory, at least 32 bytes.
 * @param rdtsc - reads the guest's TSC, once per attempt, after the version was loaded.
 * @returns a generator that yields after each load and returns the reading.
 * @throws TypeError or RangeError for an area too short or an `rdtsc` that is no function; while stepping, for a TSC that
 * is no u64.
 * Source: `asm/pvclock.h:__pvclock_read_cycles`; docs/model/pvclock §1.5.
 * @example
 * import { guestTsc } from "@chronovisor/clocksource";
 * const update = { tscTimestamp: 0n, systemTime: 5n, tscToSystemMul: 2 ** 31, tscShift: 0, flags: 1 };
 * const area = new Uint8Array(32);
 * writeVcpuTimeInfo(area, update);
 * const steps = readVcpuTimeInfoSteps(area, () => guestTsc(20n));
 * steps.next().value // => { attempt: 1, load: 'version' }
 * writeVcpuTimeInfo(area, { ...update, systemTime: 1000n });
 * const loads = [...steps].filter(({ attempt }) => attempt === 2).map(({ load }) => load);
 * loads.join(" ") // => 'version tsc tsc_timestamp tsc_to_system_mul tsc_shift system_time flags'
 */
export function readVcpuTimeInfoSteps(
  area: ArrayBufferView,
  rdtsc: ReadTsc,
): Generator<GuestLoad, TimeInfoReading, void> {
  const view = viewOf("readVcpuTimeInfoSteps", "area", area, VCPU_TIME_INFO_SIZE);
  checkFunction("readVcpuTimeInfoSteps", "rdtsc", rdtsc);
  return timeInfoLoads(view, rdtsc);
}

/**
 * {@link readVcpuTimeInfoSteps} without a pause.
 *
 * @param area - guest memory, at least 32 bytes.
 * @param rdtsc - reads the guest's TSC. It may write the area, as a host that preempts the reader would.
 * @returns the reading; undefined if 1000 attempts failed: the version is odd and nobody is there to close it, where a
 * guest would spin for ever.
 * @throws TypeError or RangeError for an area too short, an `rdtsc` that is no function, or a TSC that is no u64.
 * Source: `asm/pvclock.h:__pvclock_read_cycles`; docs/model/pvclock §1.5.
 * @example
 * import { guestTsc } from "@chronovisor/clocksource";
 * const area = new Uint8Array(32);
 * writeVcpuTimeInfo(area, { tscTimestamp: 0n, systemTime: 5n, tscToSystemMul: 2 ** 31, tscShift: 0, flags: 1 });
 * readVcpuTimeInfo(area, () => guestTsc(20n))
 * // => { ns: 15n, tsc: 20n, flags: 1, version: 2, attempts: 1 }
 * area[0] = 3;
 * readVcpuTimeInfo(area, () => guestTsc(20n)) // => undefined
 */
export function readVcpuTimeInfo(area: ArrayBufferView, rdtsc: ReadTsc): TimeInfoReading | undefined {
  const view = viewOf("readVcpuTimeInfo", "area", area, VCPU_TIME_INFO_SIZE);
  checkFunction("readVcpuTimeInfo", "rdtsc", rdtsc);
  return runAttempts(timeInfoLoads(view, rdtsc));
}

/** Reads an area already checked. */
export function* timeInfoLoads(view: DataView, rdtsc: ReadTsc): Generator<GuestLoad, TimeInfoReading, void> {
  for (let attempt = 1; ; attempt++) {
    const version = view.getUint32(VERSION, LITTLE_ENDIAN) & ~1;
    yield { attempt, load: "version" };
    const tsc = rdtsc();
    yield { attempt, load: "tsc" };
    const tscTimestamp = view.getBigUint64(TSC_TIMESTAMP, LITTLE_ENDIAN);
    yield { attempt, load: "tsc_timestamp" };
    const tscToSystemMul = view.getUint32(TSC_TO_SYSTEM_MUL, LITTLE_ENDIAN);
    yield { attempt, load: "tsc_to_system_mul" };
    const tscShift = view.getInt8(TSC_SHIFT);
    yield { attempt, load: "tsc_shift" };
    const systemTime = view.getBigUint64(SYSTEM_TIME, LITTLE_ENDIAN);
    yield { attempt, load: "system_time" };
    const flags = view.getUint8(FLAGS);
    yield { attempt, load: "flags" };
    if ((view.getUint32(VERSION, LITTLE_ENDIAN) | 0) !== version) continue;
    const ns = readCycles(asExecuted({ tscTimestamp, systemTime, tscToSystemMul, tscShift }), tsc);
    return { ns, tsc, flags, version: version >>> 0, attempts: attempt };
  }
}

/** A 64-bit shift instruction takes its count mod 64, in either direction. */
function asExecuted(reference: PvclockReference): PvclockReference {
  const { tscShift } = reference;
  return { ...reference, tscShift: tscShift < 0 ? -(-tscShift & 63) : tscShift & 63 };
}
