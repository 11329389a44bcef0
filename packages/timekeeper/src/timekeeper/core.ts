import type { CyclesToNsForm } from "@chronovisor/clocksource";
import { setupInternals, type TimekeeperClocksource } from "./setup.js";
import {
  BACKWARDS,
  BASE,
  CYCLE_INTERVAL,
  CYCLE_LAST,
  ERR_MULT,
  ERROR_PER_MULT,
  ERROR_PER_TICK,
  HIGHEST_MULT,
  LOWEST_MULT,
  MASK,
  MONO,
  MULT,
  NEAR_LIMIT,
  NSEC,
  NTP_ERROR,
  OFFS_BOOT,
  OFFS_REAL,
  OFFS_TAI,
  PLAIN_LIMIT,
  RAW,
  RAW_INTERVAL,
  SCALE,
  SECOND,
  SHIFT,
  SLOT_COUNT,
  XTIME_INTERVAL,
} from "./slots.js";
import { type Timespec, toNs } from "./timespec.js";

const U = BigInt.asUintN;
const S = BigInt.asIntN;
const NSEC_PER_SEC = 1_000_000_000n;
const U32_MAX = 2 ** 32 - 1;

/** What a warning of the kernel is about: the multiplier was steered beyond `maxadj`, or would have left 32 bits. */
export type TimekeeperWarning = "mult-beyond-maxadj" | "mult-wrap";

/**
 * The kernel's `struct timekeeper` under its field names. What reads and ticks touch lies in {@link slots}; accessors give
 * it names for the code that runs once a second or less.
 */
export class TimekeeperCore {
  readonly slots: BigUint64Array<ArrayBuffer> = new BigUint64Array(SLOT_COUNT);
  /** The same memory in 32-bit halves, for comparisons. */
  readonly words: Uint32Array = new Uint32Array(this.slots.buffer);
  readonly hz: number;
  readonly form: CyclesToNsForm;
  clocksource: TimekeeperClocksource;
  /** The true length of a tick minus `xtimeInterval` as set up, 2^−shift ns. */
  xtimeRemainder = 0n;
  /** `32 − shift`. */
  ntpErrorShift = 0n;
  /** The tick length that `mult` was made for, ns × 2^32, u64. */
  ntpTick = 0n;
  /** The second that begins next was begun before: its `second_overflow` has run. */
  skipSecondOverflow = false;
  /** Whole seconds of CLOCK_REALTIME, s64. */
  xtimeSec = 0n;
  /** Whole seconds of CLOCK_MONOTONIC_RAW. */
  rawSec = 0n;
  /** CLOCK_MONOTONIC − CLOCK_REALTIME. */
  wallToMonotonic: Timespec = { sec: 0n, nsec: 0n };
  /** TAI − UTC, s. */
  taiOffsetSec = 0;
  /** Counts the changes of the other clocks' distances from CLOCK_MONOTONIC (`clock_was_set_seq`), u32. */
  clockWasSetSeq = 0;
  /** Warnings given; the kernel gives each once. */
  readonly warned: Set<TimekeeperWarning> = new Set();
  /** Warnings of the running advance, not yet told. */
  readonly untold: TimekeeperWarning[] = [];

  constructor(clocksource: TimekeeperClocksource, hz: number, form: CyclesToNsForm) {
    this.clocksource = clocksource;
    this.hz = hz;
    this.form = form;
  }

  get cycleLast(): bigint {
    return this.slots[CYCLE_LAST] as bigint;
  }
  set cycleLast(cycles: bigint) {
    this.slots[CYCLE_LAST] = U(64, cycles);
  }
  get mult(): number {
    return Number(this.slots[MONO + MULT] as bigint);
  }
  set mult(mult: number) {
    this.slots[MONO + MULT] = BigInt(mult);
  }
  get xtimeNsec(): bigint {
    return this.slots[MONO + NSEC] as bigint;
  }
  set xtimeNsec(shifted: bigint) {
    this.slots[MONO + NSEC] = U(64, shifted);
  }
  get rawNsec(): bigint {
    return this.slots[RAW + NSEC] as bigint;
  }
  set rawNsec(shifted: bigint) {
    this.slots[RAW + NSEC] = U(64, shifted);
  }
  get cycleInterval(): bigint {
    return this.slots[CYCLE_INTERVAL] as bigint;
  }
  get xtimeInterval(): bigint {
    return this.slots[XTIME_INTERVAL] as bigint;
  }
  set xtimeInterval(shifted: bigint) {
    this.slots[XTIME_INTERVAL] = U(64, shifted);
  }
  get rawInterval(): bigint {
    return this.slots[RAW_INTERVAL] as bigint;
  }
  get ntpError(): bigint {
    return S(64, this.slots[NTP_ERROR] as bigint);
  }
  /** WRAP: the error is a signed 64-bit number; ±2^31 ns fit. */
  set ntpError(scaled: bigint) {
    this.slots[NTP_ERROR] = U(64, scaled);
  }
  get ntpErrMult(): number {
    return Number(this.slots[ERR_MULT] as bigint);
  }
  set ntpErrMult(bit: number) {
    this.slots[ERR_MULT] = BigInt(bit);
  }
  get offsBoot(): bigint {
    return S(64, this.slots[OFFS_BOOT] as bigint);
  }
  set offsBoot(ns: bigint) {
    this.slots[OFFS_BOOT] = U(64, ns);
  }
  get offsReal(): bigint {
    return S(64, this.slots[OFFS_REAL] as bigint);
  }
  get offsTai(): bigint {
    return S(64, this.slots[OFFS_TAI] as bigint);
  }
  get shift(): bigint {
    return this.slots[SHIFT] as bigint;
  }
  /** 2^−shift ns in a second. */
  get second(): bigint {
    return this.slots[SECOND] as bigint;
  }
  get monoBaseNs(): bigint {
    return this.slots[MONO + BASE] as bigint;
  }
  get rawBaseNs(): bigint {
    return this.slots[RAW + BASE] as bigint;
  }

  /**
   * Takes over `clocksource`, whose counter stands at `cycles`: both clocks start from there at its own multiplier. Their
   * fractions of a second stay, in the new unit (`tk_setup_internals`; docs/model/timekeeping-ntp §2).
   */
  takeOver(clocksource: TimekeeperClocksource, cycles: bigint): void {
    const { xtimeNsec, rawNsec, shift: oldShift } = this;
    const intervals = setupInternals(clocksource, this.hz);
    const shift = BigInt(clocksource.shift);
    const mult = BigInt(clocksource.mult);
    const { slots } = this;
    this.clocksource = clocksource;
    this.cycleLast = cycles;
    slots[MASK] = clocksource.mask;
    slots[BACKWARDS] = U(64, ~(clocksource.mask >> 1n));
    slots[NEAR_LIMIT] = this.form === "safe" ? clocksource.maxCycles : clocksource.mask >> 1n;
    slots[SHIFT] = shift;
    slots[SCALE] = 1n << (32n - shift);
    slots[SECOND] = NSEC_PER_SEC << shift;
    slots[MONO + MULT] = mult;
    slots[RAW + MULT] = mult;
    this.xtimeNsec = rescaled(xtimeNsec, shift - oldShift);
    this.rawNsec = rescaled(rawNsec, shift - oldShift);
    slots[CYCLE_INTERVAL] = intervals.cycleInterval;
    this.xtimeInterval = intervals.xtimeInterval;
    slots[RAW_INTERVAL] = intervals.rawInterval;
    this.xtimeRemainder = intervals.xtimeRemainder;
    this.ntpErrorShift = BigInt(intervals.ntpErrorShift);
    this.ntpTick = intervals.ntpTick;
    this.ntpError = 0n;
    this.ntpErrMult = 0;
    this.skipSecondOverflow = false;
    slots[ERROR_PER_MULT] = U(64, intervals.cycleInterval << this.ntpErrorShift);
    this.#boundDither();
  }

  /** The dither of a plain tick stays where the kernel gives no warning; the general path takes the rest. */
  #boundDither(): void {
    const { mult, maxadj } = this.clocksource;
    const isFree = maxadj === 0;
    this.slots[LOWEST_MULT] = BigInt(isFree ? 0 : Math.max(mult - maxadj, 0));
    this.slots[HIGHEST_MULT] = BigInt(isFree ? U32_MAX : Math.min(mult + maxadj, U32_MAX));
  }

  /** `wall_to_monotonic := to`, and what is derived from it (`tk_set_wall_to_mono`). */
  setWallToMonotonic(to: Timespec): void {
    this.wallToMonotonic = to;
    this.slots[OFFS_REAL] = U(64, -toNs(to));
    this.#deriveTai();
  }

  setTaiOffset(sec: number): void {
    this.taiOffsetSec = sec;
    this.#deriveTai();
  }

  #deriveTai(): void {
    this.slots[OFFS_TAI] = U(64, this.offsReal + BigInt(this.taiOffsetSec) * NSEC_PER_SEC);
  }

  /** Both clocks' bases in ns, from the seconds (`tk_update_ktime_data`; docs/model/timekeeping-ntp §1). */
  deriveBases(): void {
    this.slots[MONO + BASE] = U(64, this.xtimeSec * NSEC_PER_SEC + toNs(this.wallToMonotonic));
    this.slots[RAW + BASE] = U(64, this.rawSec * NSEC_PER_SEC);
  }

  /** From now on every counter value reads as the last accumulation: no cycle is left of a difference. */
  stopReads(): void {
    this.slots[MASK] = 0n;
  }

  /** Counter values read as time again. */
  startReads(): void {
    this.slots[MASK] = this.clocksource.mask;
  }

  /** Prepares plain ticks: they may run while NTP wants the tick length that the multiplier was made for. */
  preparePlainTicks(tickLength: bigint): void {
    const { slots, ntpErrorShift } = this;
    const steered = (this.xtimeInterval + this.xtimeRemainder) << ntpErrorShift;
    slots[ERROR_PER_TICK] = U(64, this.ntpTick - steered);
    const twoTicks = 2n * this.cycleInterval;
    const forward = this.clocksource.maxRawDelta + 1n;
    const limit = forward < twoTicks ? forward : twoTicks;
    slots[PLAIN_LIMIT] = tickLength === this.ntpTick ? U(64, limit) : 0n;
  }

  /** Notes a warning for when the state is consistent again; each kind once. */
  warnOnce(kind: TimekeeperWarning): void {
    if (this.warned.has(kind)) return;
    this.warned.add(kind);
    this.untold.push(kind);
  }
}

/** Shifted ns in a unit finer or coarser by so many bits; what a coarser one cannot hold is cut. */
function rescaled(shifted: bigint, bits: bigint): bigint {
  return bits < 0n ? shifted >> -bits : shifted << bits;
}
