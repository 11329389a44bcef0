import { CLOCKSOURCE_BEHAVIOURS, type CyclesToNsForm, cyclesToNs } from "@chronovisor/clocksource";
import { checkInteger, checkObject, checkOneOf, checkS64, checkU32, checkU64 } from "../argument-checks.js";

const NSEC_PER_SEC = 1_000_000_000n;
const S = BigInt.asIntN;

/** One clock's read base (`struct tk_read_base`): what differs between MONOTONIC and RAW. */
export interface ClockBase {
  /** Counter cycles to 2^−shift ns, u32. */
  readonly mult: number;
  /** 2^−shift ns since `baseNs` at the last accumulation, u64 (`xtime_nsec`). */
  readonly xtimeNsec: bigint;
  /** ns, u64 (`base`). */
  readonly baseNs: bigint;
}

/** All that reading the clocks needs, as the timekeeper publishes it. */
export interface ClockBases {
  /** Counter value at the last accumulation, u64. */
  readonly cycleLast: bigint;
  /** The counter's mask, u64. */
  readonly mask: bigint;
  /** Both clocks' shift, 0 … 63. */
  readonly shift: number;
  /** The clocksource's `max_cycles`, u64. */
  readonly maxCycles: bigint;
  readonly mono: ClockBase;
  readonly raw: ClockBase;
  /** CLOCK_REALTIME − CLOCK_MONOTONIC, ns, s64. */
  readonly offsRealNs: bigint;
  /** CLOCK_BOOTTIME − CLOCK_MONOTONIC, ns, s64. */
  readonly offsBootNs: bigint;
  /** TAI − UTC, s, s32. Default 0. */
  readonly taiOffsetSec?: number;
}

/** Every clock at one counter value, ns, s64. */
export interface ClockReadingsAt {
  readonly monotonicNs: bigint;
  readonly rawNs: bigint;
  readonly boottimeNs: bigint;
  readonly realtimeNs: bigint;
  readonly taiNs: bigint;
}

/**
 * What every clock reads at a counter value, from nothing but the read bases: for a recorded state, or to check a
 * Timekeeper, which keeps its own in a form made for speed.
 *
 * @param bases - the read bases.
 * @param cycles - counter value, u64.
 * @param form - which kernel's conversion; see `CyclesToNsForm` of clocksource.
 * @returns ns, each WRAPPED to signed 64 bits.
 * @throws TypeError or RangeError for an argument outside its domain.
 * Source: `kernel/time/timekeeping.c:timekeeping_get_ns`, `ktime_get_with_offset`; docs/model/timekeeping-ntp §1.
 * @example
 * const clock = { mult: 2, xtimeNsec: 6n, baseNs: 1000n };
 * const shared = { cycleLast: 100n, mask: 2n ** 64n - 1n, shift: 1, maxCycles: 1000n };
 * const bases = { ...shared, mono: clock, raw: { ...clock, mult: 1 }, offsRealNs: 70n, offsBootNs: 7n };
 * const { monotonicNs, rawNs, boottimeNs, realtimeNs } = readClocks(bases, 110n, "safe");
 * [monotonicNs, rawNs, boottimeNs, realtimeNs] // => [ 1013n, 1008n, 1020n, 1083n ]
 */
export function readClocks(bases: ClockBases, cycles: bigint, form: CyclesToNsForm): ClockReadingsAt {
  const fn = "readClocks";
  checkObject(fn, "bases", bases);
  const { offsRealNs, offsBootNs, taiOffsetSec = 0 } = bases;
  for (const name of ["cycleLast", "mask", "maxCycles"] as const) checkU64(fn, name, bases[name]);
  checkInteger(fn, "shift", bases.shift, 0, 63);
  checkBase("mono", bases.mono);
  checkBase("raw", bases.raw);
  checkS64(fn, "offsRealNs", offsRealNs);
  checkS64(fn, "offsBootNs", offsBootNs);
  checkInteger(fn, "taiOffsetSec", taiOffsetSec, -(2 ** 31), 2 ** 31 - 1);
  checkU64(fn, "cycles", cycles);
  checkOneOf(fn, "form", form, CLOCKSOURCE_BEHAVIOURS.delta);

  const read = ({ mult, xtimeNsec, baseNs }: ClockBase): bigint =>
    S(64, baseNs + cyclesToNs({ ...bases, mult, xtimeNsec }, cycles, form));
  const monotonicNs = read(bases.mono);
  return {
    monotonicNs,
    rawNs: read(bases.raw),
    boottimeNs: S(64, monotonicNs + offsBootNs),
    realtimeNs: S(64, monotonicNs + offsRealNs),
    taiNs: S(64, monotonicNs + offsRealNs + BigInt(taiOffsetSec) * NSEC_PER_SEC),
  };
}

function checkBase(name: string, base: ClockBase): void {
  checkObject("readClocks", name, base);
  checkU32("readClocks", `${name}.mult`, base.mult);
  checkU64("readClocks", `${name}.xtimeNsec`, base.xtimeNsec);
  checkU64("readClocks", `${name}.baseNs`, base.baseNs);
}
