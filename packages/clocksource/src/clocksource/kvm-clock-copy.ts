/**
 * KVM's private copy of the host's timekeeper, refreshed at every timekeeper update, and the three reads that take time and
 * TSC from ONE counter reading.
 *
 * Unlike the timekeeper's own read the product is not protected: when the host's timekeeper is not updated for longer than
 * 2^64 / mult cycles (1100 s at 2.5 GHz) the copy WRAPS while the timekeeper does not. Every read says whether it did.
 *
 * Source: `arch/x86/kvm/x86.c:update_pvclock_gtod`, `vgettsc`, `do_kvmclock_base`, `do_monotonic`, `do_realtime`;
 * docs/model/clocksource-tsc §3.4.
 */

import { checkInteger, checkOneOf, checkS64, checkU32, checkU64 } from "../argument-checks.js";
import type { HostTsc } from "../time-types.js";

const U = BigInt.asUintN;
const NSEC_PER_SEC = 1_000_000_000n;
const U64_MAX = 2n ** 64n - 1n;

/** How the vDSO would read a clock; only `tsc` and `hyperv-page` can be read from a TSC. */
export type VclockMode = "none" | "tsc" | "hyperv-page";

const VCLOCK_MODES: readonly VclockMode[] = ["none", "tsc", "hyperv-page"];

/** One clock of the copy (`struct pvclock_clock`). */
export interface ClockCopy {
  readonly vclockMode: VclockMode;
  /** Counter value at the timekeeper's last update, u64. */
  readonly cycleLast: bigint;
  readonly mask: bigint;
  /** Unsigned 32-bit. */
  readonly mult: number;
  /** 0 … 63. */
  readonly shift: number;
  /** Remainder in units of 2^−shift ns, u64 (`base_cycles`, the timekeeper's `xtime_nsec`). */
  readonly baseCycles: bigint;
  /** The clock's base, ns, u64 (`offset`). */
  readonly offset: bigint;
}

/** KVM's copy of the host's timekeeper (`pvclock_gtod_data`). */
export interface KvmClockCopy {
  readonly mono: ClockCopy;
  readonly raw: ClockCopy;
  /** CLOCK_BOOTTIME minus CLOCK_MONOTONIC, ns, s64 (`offs_boot`). */
  readonly offsBootNs: bigint;
  /** Whole seconds of CLOCK_REALTIME, s64 (`wall_time_sec`). */
  readonly wallTimeSec: bigint;
}

/** A reading of the copy. */
export interface ClockCopyReading {
  /** Nanoseconds, u64. */
  readonly ns: bigint;
  /** The TSC the reading belongs to, never behind the copy's last update. */
  readonly tsc: HostTsc;
  /** Whether the 64-bit product or sum wrapped: `ns` is then far too small. The kernel does not notice. */
  readonly wrapped: boolean;
}

/** A CLOCK_REALTIME reading of the copy. */
export interface RealtimeCopyReading {
  /** Whole seconds since 1970, s64. */
  readonly sec: bigint;
  /** 0 … 999 999 999. */
  readonly nsec: bigint;
  readonly tsc: HostTsc;
  readonly wrapped: boolean;
}

/**
 * The clock behind kvmclock: CLOCK_MONOTONIC_RAW plus the boot offset.
 *
 * @param copy - KVM's copy of the timekeeper.
 * @param tsc - the host TSC, u64; one behind the last update is taken as the last update.
 * @returns time and TSC, or undefined when the host's clock is not TSC-based.
 * @throws TypeError or RangeError for a value outside its width.
 * Source: `x86.c:do_kvmclock_base`; docs/model/clocksource-tsc §3.4.
 * @example
 * const clock = { cycleLast: 100n, mask: 2n ** 64n - 1n, mult: 2, shift: 1, baseCycles: 0n, offset: 7n };
 * const tscClock = { vclockMode: "tsc", ...clock } as const;
 * const copy = { mono: tscClock, raw: tscClock, offsBootNs: 1000n, wallTimeSec: 0n };
 * readKvmclockBase(copy, hostTsc(150n)) // => { ns: 1057n, tsc: 150n, wrapped: false }
 */
export function readKvmclockBase(copy: KvmClockCopy, tsc: HostTsc): ClockCopyReading | undefined {
  checkCopy("readKvmclockBase", copy, tsc);
  const reading = readShifted(copy, copy.raw, tsc);
  return reading && { ...reading, ns: U(64, reading.ns + copy.raw.offset + copy.offsBootNs) };
}

/**
 * CLOCK_MONOTONIC from the copy. The boot offset is not in it.
 *
 * @param copy - KVM's copy of the timekeeper.
 * @param tsc - the host TSC, u64; one behind the last update is taken as the last update.
 * @returns time and TSC, or undefined when the host's clock is not TSC-based.
 * @throws TypeError or RangeError for a value outside its width.
 * Source: `x86.c:do_monotonic`; docs/model/clocksource-tsc §3.4.
 * @example
 * const clock = { cycleLast: 100n, mask: 2n ** 64n - 1n, mult: 2, shift: 1, baseCycles: 0n, offset: 7n };
 * const tscClock = { vclockMode: "tsc", ...clock } as const;
 * const copy = { mono: tscClock, raw: tscClock, offsBootNs: 1000n, wallTimeSec: 0n };
 * readMonotonic(copy, hostTsc(90n)) // => { ns: 7n, tsc: 100n, wrapped: false }
 */
export function readMonotonic(copy: KvmClockCopy, tsc: HostTsc): ClockCopyReading | undefined {
  checkCopy("readMonotonic", copy, tsc);
  const reading = readShifted(copy, copy.mono, tsc);
  return reading && { ...reading, ns: U(64, reading.ns + copy.mono.offset) };
}

/**
 * CLOCK_REALTIME from the copy, in seconds and nanoseconds. The monotonic base is not in it.
 *
 * @param copy - KVM's copy of the timekeeper.
 * @param tsc - the host TSC, u64; one behind the last update is taken as the last update.
 * @returns time and TSC, or undefined when the host's clock is not TSC-based.
 * @throws TypeError or RangeError for a value outside its width.
 * Source: `x86.c:do_realtime`; docs/model/clocksource-tsc §3.4.
 * @example
 * const clock = { cycleLast: 100n, mask: 2n ** 64n - 1n, mult: 2, shift: 1, baseCycles: 0n, offset: 7n };
 * const tscClock = { vclockMode: "tsc", ...clock } as const;
 * const copy = { mono: tscClock, raw: tscClock, offsBootNs: 0n, wallTimeSec: 1_700_000_000n };
 * const { sec, nsec } = readRealtime(copy, hostTsc(1_000_000_150n)) ?? {};
 * [sec, nsec] // => [ 1700000001n, 50n ]
 */
export function readRealtime(copy: KvmClockCopy, tsc: HostTsc): RealtimeCopyReading | undefined {
  checkCopy("readRealtime", copy, tsc);
  const reading = readShifted(copy, copy.mono, tsc);
  if (reading === undefined) return undefined;
  // time64_t: the sum wraps at signed 64 bits.
  const sec = BigInt.asIntN(64, copy.wallTimeSec + reading.ns / NSEC_PER_SEC);
  return { sec, nsec: reading.ns % NSEC_PER_SEC, tsc: reading.tsc, wrapped: reading.wrapped };
}

/** Nanoseconds since the clock's base. The lower bound on the TSC is the MONOTONIC copy's, for all three clocks. */
function readShifted(copy: KvmClockCopy, clock: ClockCopy, sampled: HostTsc): ClockCopyReading | undefined {
  if (clock.vclockMode === "none") return undefined;
  const tsc = sampled < copy.mono.cycleLast ? (copy.mono.cycleLast as HostTsc) : sampled;
  const product = ((tsc - clock.cycleLast) & clock.mask) * BigInt(clock.mult);
  const sum = U(64, product) + clock.baseCycles;
  return { ns: U(64, sum) >> BigInt(clock.shift), tsc, wrapped: product > U64_MAX || sum > U64_MAX };
}

function checkCopy(fn: string, copy: KvmClockCopy, tsc: HostTsc): void {
  checkU64(fn, "tsc", tsc);
  checkClock(fn, "mono", copy.mono);
  checkClock(fn, "raw", copy.raw);
  checkS64(fn, "offsBootNs", copy.offsBootNs);
  checkS64(fn, "wallTimeSec", copy.wallTimeSec);
}

function checkClock(fn: string, name: string, clock: ClockCopy): void {
  checkOneOf(fn, `${name}.vclockMode`, clock.vclockMode, VCLOCK_MODES);
  checkU64(fn, `${name}.cycleLast`, clock.cycleLast);
  checkU64(fn, `${name}.mask`, clock.mask);
  checkU32(fn, `${name}.mult`, clock.mult);
  checkInteger(fn, `${name}.shift`, clock.shift, 0, 63);
  checkU64(fn, `${name}.baseCycles`, clock.baseCycles);
  checkU64(fn, `${name}.offset`, clock.offset);
}
