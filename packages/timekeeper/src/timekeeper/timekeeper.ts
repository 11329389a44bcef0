import { CLOCKSOURCE_BEHAVIOURS, type KvmClockCopy } from "@chronovisor/clocksource";
import {
  checkFunction,
  checkInteger,
  checkObject,
  checkOneOf,
  checkS32,
  checkS64,
  checkU64,
  parseU64,
} from "../argument-checks.js";
import type { Leap } from "../ntp/leap-second.js";
import { MAX_HZ, MIN_HZ, NSEC_PER_SEC, NSEC_PER_USEC } from "../ntp/limits.js";
import { ADJ_FREQUENCY, ADJ_NANO, ADJ_SETOFFSET, ADJ_TICK } from "../ntp/modes.js";
import { NtpState, type NtpView } from "../ntp/ntp-state.js";
import type { AdjtimexClock, AdjtimexResult, Timex } from "../ntp/timex.js";
import { readTimex, type TimexRequest, validateTimex } from "../ntp/timex-request.js";
import { advance } from "./advance.js";
import { ClockReadings } from "./clock-readings.js";
import { TimekeeperCore } from "./core.js";
import { cyclesSinceLast, forwardNow } from "./forward.js";
import { basesOf, copyOf, offsetsOf, type TimekeeperOffsets } from "./published.js";
import type { ClockBases } from "./read-clocks.js";
import { checkClocksource, type TimekeeperClocksource } from "./setup.js";
import { addSleep, injectOffset, setTime } from "./steps.js";
import { storeTick, TICK_DONE, TICK_NOT_PLAIN } from "./timekeeper-kernels.js";
import { coreState, restoreCore, savedClocksource } from "./timekeeper-state.js";
import type {
  TimekeeperEvents,
  TimekeeperOptions,
  TimekeeperState,
  TimekeeperSurroundings,
} from "./timekeeper-types.js";
import { fromNs, isSettable, type Timespec } from "./timespec.js";

/** −EINVAL: the kernel's "no". */
const REFUSED = -22;
/** The longest sleep the kernel takes: what fits a signed 64-bit number of nanoseconds, in whole seconds. */
const MAX_SLEEP_NS = ((2n ** 63n - 1n) / NSEC_PER_SEC) * NSEC_PER_SEC - 1n;

/**
 * A Linux host's clocks over a counter, steered by NTP tick by tick.
 *
 * It has no time of its own: `read` says where the counter stands, {@link tick} is called when a timer interrupt would, and
 * the rest is what user space and power management do. Late, early and missing ticks are all right; what a long gap does to
 * steering is what it does in the kernel.
 *
 * Source: `kernel/time/timekeeping.c`; docs/model/timekeeping-ntp §1, §2, §4, §5.
 *
 * @throws TypeError or RangeError for an option outside its domain.
 * @example
 * let counter = 0n;
 * const rates = { mult: 6710886, shift: 24, maxadj: 738197, maxCycles: 2476377840562n };
 * const tsc = { ...rates, mask: 2n ** 64n - 1n, maxRawDelta: 16140901064495857661n };
 * const host = new Timekeeper({ clocksource: tsc, hz: 250, read: () => counter });
 * host.adjtimex({ modes: ADJ_FREQUENCY, freq: 500n << 16n }).result // => 5
 * for (let tick = 1n; tick <= 250n; tick++) {
 *   counter = tick * 10_000_001n;
 *   host.tick();
 * }
 * host.rawNs() // => 1000000040n
 * host.monotonicNs() // => 1000500040n
 * host.rate() // => { monoMult: 6714241, rawMult: 6710886, shift: 24 }
 */
export class Timekeeper extends ClockReadings {
  readonly #core: TimekeeperCore;
  readonly #events: Partial<TimekeeperEvents>;
  #ntp: NtpState;
  #read: () => bigint;
  #suspended = false;
  #offsets: TimekeeperOffsets | undefined;

  constructor(options: TimekeeperOptions) {
    const fn = "Timekeeper";
    checkObject(fn, "options", options);
    const { clocksource, hz, read, realtimeNs = 0n, taiOffsetSec = 0, cyclesToNs = "safe" } = options;
    checkClocksource(fn, clocksource);
    checkInteger(fn, "hz", hz, MIN_HZ, MAX_HZ);
    checkFunction(fn, "read", read);
    checkS64(fn, "realtimeNs", realtimeNs);
    checkS32(fn, "taiOffsetSec", taiOffsetSec);
    checkOneOf(fn, "cyclesToNs", cyclesToNs, CLOCKSOURCE_BEHAVIOURS.delta);
    checkObject(fn, "events", options.events ?? {});
    const now = fromNs(realtimeNs);
    if (!isSettable(now))
      throw new RangeError(`${fn}: expected realtimeNs in years 1970 … 2232, got ${realtimeNs}`);
    const cycles = read();
    checkU64(fn, "read()", cycles);

    const core = new TimekeeperCore(clocksource, hz, cyclesToNs);
    super(core, read);
    this.#core = core;
    this.#events = options.events ?? {};
    this.#ntp = new NtpState({ hz });
    this.#read = read;
    core.takeOver(clocksource, cycles);
    core.xtimeSec = now.sec;
    core.xtimeNsec = now.nsec << core.shift;
    core.setTaiOffset(taiOffsetSec);
    core.setWallToMonotonic(fromNs(-realtimeNs));
    core.clockWasSetSeq = 1;
    this.#derive();
  }

  /** Whether the host sleeps: clocks stand still and ticks do nothing. */
  get suspended(): boolean {
    return this.#suspended;
  }

  /** The NTP state that steers, to look at. */
  get ntp(): NtpView {
    return this.#ntp;
  }

  /** How far the other clocks are from CLOCK_MONOTONIC (`ktime_get_update_offsets_now`). */
  get offsets(): TimekeeperOffsets {
    if (this.#offsets?.sequence !== this.#core.clockWasSetSeq) this.#offsets = offsetsOf(this.#core);
    return this.#offsets as TimekeeperOffsets;
  }

  /** What reading the clocks needs, as last published: an argument of `readClocks`, which knows nothing of a suspended host. */
  bases(): ClockBases {
    return basesOf(this.#core);
  }

  /**
   * What KVM copies at every update (`update_pvclock_gtod`; docs/model/clocksource-tsc §3.4). Unlike the clocks here, its
   * reads are not protected against a product beyond 64 bits.
   */
  copy(): KvmClockCopy {
    return copyOf(this.#core);
  }

  /**
   * The timer tick: accumulates the ticks that passed, steers, and lets seconds pass. Nothing happens before a whole tick is
   * over, or while the host is suspended (`timekeeping_advance`; docs/model/timekeeping-ntp §4).
   */
  tick(): void {
    if (this.#suspended) return;
    const { slots, words } = this.#core;
    const cycles = this.#read();
    const outcome = storeTick(slots, words, cycles);
    if (outcome === TICK_DONE) this.#events.onUpdate?.();
    else if (outcome === TICK_NOT_PLAIN) this.#tickInFull(cycles);
  }

  #tickInFull(cycles: bigint): void {
    const offset = cyclesSinceLast(this.#core, cycles);
    if (offset < this.#core.cycleInterval) return;
    if (this.#advance(offset) !== 0) this.#events.onClockSet?.("wall");
  }

  /**
   * adjtimex(2) as root (`do_adjtimex`; docs/model/timekeeping-ntp §3, §4, §5).
   *
   * ADJ_SETOFFSET steps before everything else and clears NTP. ADJ_FREQUENCY and ADJ_TICK take effect at once: an advance
   * follows, even one of less than a tick. A changed TAI offset is told as a set clock.
   *
   * @param timex - see {@link Timex}.
   * @returns see {@link AdjtimexResult}. A call refused with −22 changed nothing; except that a refused step has forwarded
   * the clocks, cleared NTP and told of it all the same, as in the kernel.
   * @throws TypeError or RangeError for a field that the call reads and that is missing or no value of its width.
   */
  adjtimex(timex: Timex): AdjtimexResult {
    const request = readTimex("Timekeeper.adjtimex", timex);
    if (validateTimex(request) !== 0) return this.#ntp.adjtimex(timex, this.#ntpClock()).answer;
    if (request.modes & ADJ_SETOFFSET && !this.#stepBy(stepOf(request))) {
      return { ...this.#ntp.adjtimex({ modes: 0 }, this.#ntpClock()).answer, result: REFUSED };
    }
    const { answer, taiOffsetSec } = this.#ntp.adjtimex(request, this.#ntpClock());
    const taiMoved = taiOffsetSec !== this.#core.taiOffsetSec;
    if (taiMoved) {
      this.#core.setTaiOffset(taiOffsetSec);
      this.#countSet();
      this.#publish();
    }
    this.#core.preparePlainTicks(this.#ntp.tickLength);
    const leap = request.modes & (ADJ_FREQUENCY | ADJ_TICK) ? this.#advanceAtOnce() : 0;
    if (taiMoved || leap !== 0) this.#events.onClockSet?.("wall");
    return answer;
  }

  /**
   * Sets CLOCK_REALTIME (`do_settimeofday64`; docs/model/timekeeping-ntp §5). CLOCK_MONOTONIC keeps its value; NTP is cleared,
   * which ends slews.
   *
   * @param time - seconds since 1970 and nanoseconds.
   * @returns 0; −22 for a time that is not normalised or not in 1970 … 2232 (nothing happens), or that lies before the boot
   * (NTP is cleared and the set is told all the same).
   * @throws TypeError or RangeError unless both members are s64.
   */
  settimeofday(time: Timespec): 0 | -22 {
    const fn = "Timekeeper.settimeofday";
    checkObject(fn, "time", time);
    checkS64(fn, "time.sec", time.sec);
    checkS64(fn, "time.nsec", time.nsec);
    if (!isSettable(time)) return REFUSED;
    this.#forward();
    const isSet = setTime(this.#core, time);
    this.#finishStep();
    return isSet ? 0 : REFUSED;
  }

  /**
   * The host goes to sleep: clocks are brought to now and stand still (`timekeeping_suspend`). What the counter does
   * meanwhile does not show; {@link tick} does nothing.
   *
   * @throws RangeError while suspended.
   */
  suspend(): void {
    this.#expectRunning("suspend");
    this.#forward();
    this.#suspended = true;
    const stopped = this.#core.cycleLast;
    this.counter = () => stopped;
    this.#core.stopReads();
    this.#publish();
  }

  /**
   * The host wakes: MONOTONIC and RAW go on where they stopped, whatever the counter did; REALTIME, TAI and BOOTTIME are
   * `sleepNs` further. NTP keeps its state (`timekeeping_resume`).
   *
   * @param sleepNs - length of the sleep as a persistent clock told it, 0 … 9223372035999999999; 0 when none did and
   * {@link injectSleep} will follow.
   * @throws RangeError unless suspended; TypeError or RangeError for a length outside its domain.
   */
  resume(sleepNs: bigint): void {
    if (!this.#suspended)
      throw new RangeError("Timekeeper.resume: expected a suspended host, got a running one");
    checkSleep("Timekeeper.resume", sleepNs);
    addSleep(this.#core, sleepNs);
    this.#core.cycleLast = this.#read();
    this.#core.ntpError = 0n;
    this.#suspended = false;
    this.counter = this.#read;
    this.#core.startReads();
    this.#countSet();
    this.#publish();
  }

  /**
   * The RTC tells the length of a sleep after the resume: REALTIME, TAI and BOOTTIME jump by it, and NTP is cleared
   * (`timekeeping_inject_sleeptime64`).
   *
   * @param sleepNs - 0 … 9223372035999999999.
   * @throws RangeError while suspended; TypeError or RangeError for a length outside its domain.
   */
  injectSleep(sleepNs: bigint): void {
    this.#expectRunning("injectSleep");
    checkSleep("Timekeeper.injectSleep", sleepNs);
    this.#forward();
    addSleep(this.#core, sleepNs);
    this.#finishStep();
    this.#events.onClockSet?.("boot");
  }

  /**
   * Another counter takes over: clocks are brought to now by the old one and go on from there by the new one, unsteered
   * until the next tick. NTP is cleared (`timekeeping_notify`; docs/model/timekeeping-ntp §2).
   *
   * @param clocksource - the new one.
   * @param read - reads its counter.
   * @throws RangeError while suspended; TypeError or RangeError for an argument outside its domain.
   */
  changeClocksource(clocksource: TimekeeperClocksource, read: () => bigint): void {
    this.#expectRunning("changeClocksource");
    checkClocksource("Timekeeper.changeClocksource", clocksource);
    checkFunction("Timekeeper.changeClocksource", "read", read);
    const cycles = read();
    checkU64("Timekeeper.changeClocksource", "read()", cycles);
    this.#forward();
    this.#core.takeOver(clocksource, cycles);
    this.#read = read;
    this.counter = read;
    this.#clearNtp();
    this.#countSet();
    this.#publish();
  }

  /** The whole state, as plain JSON. */
  state(): TimekeeperState {
    return { ...coreState(this.#core), suspended: this.#suspended, ntp: this.#ntp.state() };
  }

  /**
   * The host that {@link state} wrote. The counter is not read: it must go on from where it was, or the gap is time passed.
   *
   * @param state - a saved state.
   * @param surroundings - the counter and the events, as given to the constructor.
   * @throws TypeError or RangeError for a value outside its width.
   */
  static fromState(state: TimekeeperState, surroundings: TimekeeperSurroundings): Timekeeper {
    const fn = "Timekeeper.fromState";
    checkObject(fn, "surroundings", surroundings);
    checkFunction(fn, "read", surroundings.read);
    const clocksource = savedClocksource(state);
    const stopped = parseU64(fn, "cycleLast", state.cycleLast);
    const { hz, cyclesToNs } = state;
    checkOneOf(fn, "cyclesToNs", cyclesToNs, CLOCKSOURCE_BEHAVIOURS.delta);
    const restored = new Timekeeper({ ...surroundings, clocksource, hz, cyclesToNs, read: () => stopped });
    checkOneOf(fn, "suspended", String(state.suspended), ["true", "false"]);
    restoreCore(restored.#core, state);
    restored.#ntp = NtpState.fromState(state.ntp);
    restored.#read = surroundings.read;
    restored.#suspended = state.suspended;
    if (state.suspended) restored.#core.stopReads();
    else restored.counter = surroundings.read;
    restored.#derive();
    return restored;
  }

  /** Advances now, whatever is due: a new rate must not wait for the tick. */
  #advanceAtOnce(): Leap {
    if (this.#suspended) return 0;
    return this.#advance(cyclesSinceLast(this.#core, this.#read()));
  }

  #advance(offset: bigint): Leap {
    const leap = advance(this.#core, this.#ntp, offset);
    if (leap !== 0) this.#countSet();
    this.#publish();
    if (leap !== 0) this.#events.onLeap?.(leap);
    return leap;
  }

  #stepBy(delta: Timespec): boolean {
    this.#forward();
    const isStepped = injectOffset(this.#core, delta);
    this.#finishStep();
    return isStepped;
  }

  #forward(): void {
    forwardNow(this.#core, this.counter());
  }

  /** A refused step comes here as well. */
  #finishStep(): void {
    this.#clearNtp();
    this.#countSet();
    this.#publish();
    this.#events.onClockSet?.("wall");
  }

  #clearNtp(): void {
    this.#core.ntpError = 0n;
    this.#ntp.clear();
  }

  #countSet(): void {
    this.#core.clockWasSetSeq = (this.#core.clockWasSetSeq + 1) >>> 0;
  }

  #publish(): void {
    this.#derive();
    this.#events.onUpdate?.();
    for (const kind of this.#core.untold.splice(0)) this.#events.onWarning?.(kind);
  }

  #derive(): void {
    this.#core.deriveBases();
    this.#core.preparePlainTicks(this.#ntp.tickLength);
  }

  #ntpClock(): AdjtimexClock {
    const { xtimeSec, taiOffsetSec } = this.#core;
    // A timespec, which goes on past 2262, where ns no longer fit signed 64 bits.
    const realtime = fromNs(BigInt.asUintN(64, this.realtimeNs()));
    return { xtimeSec, realtime, taiOffsetSec };
  }

  #expectRunning(method: string): void {
    if (!this.#suspended) return;
    throw new RangeError(`Timekeeper.${method}: expected a running host, got a suspended one`);
  }
}

function checkSleep(fn: string, sleepNs: bigint): void {
  checkS64(fn, "sleepNs", sleepNs);
  if (sleepNs < 0n || sleepNs > MAX_SLEEP_NS) {
    throw new RangeError(`${fn}: expected sleepNs in 0 … ${MAX_SLEEP_NS}, got ${sleepNs}`);
  }
}

/** ADJ_SETOFFSET's step; its fraction was judged to be within a second. */
function stepOf({ modes, time }: TimexRequest): Timespec {
  return { sec: time.sec, nsec: modes & ADJ_NANO ? time.usec : time.usec * NSEC_PER_USEC };
}
