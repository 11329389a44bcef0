import { checkInteger, checkObject, checkS32, checkS64 } from "../argument-checks.js";
import { applyTimex } from "./apply-timex.js";
import type { Leap } from "./leap-second.js";
import { MAX_HZ, MIN_HZ, NSEC_PER_SEC, NTP_PHASE_LIMIT, NTP_SCALE_SHIFT } from "./limits.js";
import { ADJ_ADJTIME, ADJ_OFFSET_READONLY } from "./modes.js";
import { initialNtpData, type NtpData } from "./ntp-data.js";
import { fromStateData, type NtpStateData, toStateData } from "./ntp-state-data.js";
import { readBack, readPhaseOffset } from "./read-back.js";
import { overflowSecond } from "./second-overflow.js";
import { type NtpTimeState, STA_UNSYNC } from "./status.js";
import type { AdjtimexClock, NtpAdjtimexOutcome, Timex } from "./timex.js";
import { readTimex, type TimexRequest, validateTimex } from "./timex-request.js";
import { updateFrequency } from "./update-frequency.js";

/** What an {@link NtpState} is made from. */
export interface NtpStateOptions {
  /** Ticks per second (CONFIG_HZ), 12 … 3000. */
  readonly hz: number;
}

/** An {@link NtpState} that can only be looked at. */
export type NtpView = Omit<NtpState, "secondOverflow" | "clear" | "adjtimex">;

/**
 * The kernel's NTP state: how long each tick is to be, and why.
 *
 * A timekeeper asks {@link tickLength} every tick, calls {@link secondOverflow} when its seconds roll over and
 * {@link adjtimex} for user space; this class knows no clock of its own. It is the state after `ntp_init`: not
 * synchronised, every tick 1/hz s long.
 *
 * Source: kernel/time/ntp.c; docs/model/timekeeping-ntp §3. PPS and the boot parameter `ntp_tick_adj` are not modelled.
 *
 * @throws TypeError or RangeError for an `hz` that is no whole number in 12 … 3000.
 * @example
 * const ntp = new NtpState({ hz: 250 });
 * ntp.tickLength // => 17179869184000000n
 * ntp.tickNsec // => 4000000n
 * const clock = { xtimeSec: 0n, realtime: { sec: 0n, nsec: 0n }, taiOffsetSec: 0 };
 * ntp.adjtimex({ modes: ADJ_FREQUENCY, freq: 500n << 16n }, clock).answer.result // => 5
 * ntp.tickLength // => 17188459118592000n
 * ntp.tickNsec // => 4002000n
 */
export class NtpState {
  /** Ticks per second (CONFIG_HZ). */
  readonly hz: number;
  #data: NtpData;

  constructor(options: NtpStateOptions) {
    checkObject("NtpState", "options", options);
    checkInteger("NtpState", "hz", options.hz, MIN_HZ, MAX_HZ);
    this.hz = options.hz;
    this.#data = initialNtpData(options.hz);
    updateFrequency(this.#data);
  }

  /** How long the next ticks are to be, ns × 2^32, u64: base, phase slew and adjtime slew (`ntp_tick_length`). */
  get tickLength(): bigint {
    return this.#data.tickLength;
  }

  /** {@link tickLength} without slews, u64. */
  get tickLengthBase(): bigint {
    return this.#data.tickLengthBase;
  }

  /** {@link tickLengthBase} in whole ns, cut. */
  get tickNsec(): bigint {
    return this.#data.tickLengthBase >> NTP_SCALE_SHIFT;
  }

  /** µs per 1/100 s, as ADJ_TICK sets it: 9000 … 11 000. */
  get tickUsec(): bigint {
    return this.#data.tickUsec;
  }

  /** The leap machine: TIME_OK … TIME_WAIT. */
  get timeState(): NtpTimeState {
    return this.#data.timeState;
  }

  /** STA_* bits, a 32-bit int. */
  get timeStatus(): number {
    return this.#data.timeStatus;
  }

  /** Phase offset still to slew, ns per hz × 2^32, s64. */
  get timeOffset(): bigint {
    return this.#data.timeOffset;
  }

  /** The loop's time constant, 0 … 10. */
  get timeConstant(): number {
    return this.#data.timeConstant;
  }

  /** Bound of the error, µs: grows by 500 a second up to 16 000 000. */
  get timeMaxerror(): bigint {
    return this.#data.timeMaxerror;
  }

  /** Estimate of the error, µs, as user space set it. */
  get timeEsterror(): bigint {
    return this.#data.timeEsterror;
  }

  /** Frequency correction, ns/s × 2^32, s64: within ±500 ppm. */
  get timeFreq(): bigint {
    return this.#data.timeFreq;
  }

  /** The second of the last phase offset, s64. */
  get timeReftime(): bigint {
    return this.#data.timeReftime;
  }

  /** What the old adjtime() has left to slew, µs, s64. */
  get timeAdjust(): bigint {
    return this.#data.timeAdjust;
  }

  /** The second in which the pending leap happens; undefined for none. */
  get nextLeapSec(): bigint | undefined {
    return this.#data.nextLeapSec;
  }

  /**
   * One second has passed: steps the leap machine, grows the error bound, and makes {@link tickLength} the base plus this
   * second's share of the slews. The caller adds the result to its seconds, and takes it from wall_to_monotonic and TAI.
   *
   * @param secs - the second that begins (`xtime_sec` after the carry), s64.
   * @returns −1 to insert a second, 1 to delete one, else 0.
   * @throws TypeError or RangeError unless `secs` is an s64.
   * Source: `second_overflow`; docs/model/timekeeping-ntp §3.
   * @example
   * const ntp = new NtpState({ hz: 1000 });
   * const clock = { xtimeSec: 1n, realtime: { sec: 1n, nsec: 0n }, taiOffsetSec: 0 };
   * ntp.adjtimex({ modes: ADJ_OFFSET_SINGLESHOT, offset: 700n }, clock).answer.offset // => 0n
   * ntp.secondOverflow(2n) // => 0
   * ntp.tickLength - ntp.tickLengthBase // => 2147483648000n
   * ntp.timeAdjust // => 200n
   */
  secondOverflow(secs: bigint): Leap {
    checkS64("NtpState.secondOverflow", "secs", secs);
    return overflowSecond(this.#data, secs);
  }

  /**
   * The clock was stepped: slews are dropped, the clock is not synchronised, no leap second is due. Frequency, tick, time
   * constant and the leap machine's state stay.
   *
   * Source: `ntp_clear`; docs/model/timekeeping-ntp §3 Clear.
   * @example
   * const ntp = new NtpState({ hz: 1000 });
   * const clock = { xtimeSec: 1n, realtime: { sec: 1n, nsec: 0n }, taiOffsetSec: 0 };
   * ntp.adjtimex({ modes: ADJ_OFFSET_SINGLESHOT, offset: 700n }, clock).answer.offset // => 0n
   * ntp.clear();
   * ntp.timeAdjust // => 0n
   */
  clear(): void {
    const ntp = this.#data;
    ntp.timeAdjust = 0n;
    ntp.timeStatus |= STA_UNSYNC;
    ntp.timeMaxerror = NTP_PHASE_LIMIT;
    ntp.timeEsterror = NTP_PHASE_LIMIT;
    updateFrequency(ntp);
    ntp.tickLength = ntp.tickLengthBase;
    ntp.timeOffset = 0n;
    ntp.nextLeapSec = undefined;
  }

  /**
   * The NTP part of one adjtimex call: judges it, sets what `modes` names in the kernel's order, reads back.
   *
   * ADJ_SETOFFSET is judged here and otherwise left to the timekeeper, who steps before this call and passes the stepped
   * time; who also applies the TAI offset, and advances at once after ADJ_FREQUENCY or ADJ_TICK. A refused call (−22)
   * changes nothing.
   *
   * @param timex - as user space passes it: values the kernel refuses or clamps get the kernel's answer.
   * @param clock - the timekeeper's seconds, time and TAI − UTC.
   * @returns what the caller reads back, and TAI − UTC as it is now.
   * @throws TypeError or RangeError for a field that the call reads and that is missing, or that no `struct timex` can hold.
   * Source: `__do_adjtimex`, `timekeeping_validate_timex`; docs/model/timekeeping-ntp §3.
   * @example
   * const ntp = new NtpState({ hz: 250 });
   * const clock = { xtimeSec: 100n, realtime: { sec: 100n, nsec: 5_000n }, taiOffsetSec: 37 };
   * ntp.adjtimex({ modes: ADJ_STATUS | ADJ_NANO, status: STA_PLL }, clock).answer.result // => 0
   * ntp.adjtimex({ modes: ADJ_OFFSET, offset: 10_000_000n }, clock).answer.offset // => 10000000n
   * ntp.secondOverflow(101n) // => 0
   * ntp.adjtimex({ modes: 0 }, clock).answer.offset // => 9375000n
   * ntp.adjtimex({ modes: ADJ_TICK, tick: 8_999n }, clock).answer.result // => -22
   */
  adjtimex(timex: Timex, clock: AdjtimexClock): NtpAdjtimexOutcome {
    const request = readTimex("NtpState.adjtimex", timex);
    checkClock(clock);
    const refused = validateTimex(request);
    if (refused !== 0) {
      const untouched = this.#read(readPhaseOffset(this.#data), clock, clock.taiOffsetSec);
      return { answer: { ...untouched.answer, result: refused }, taiOffsetSec: clock.taiOffsetSec };
    }
    if (request.modes & ADJ_ADJTIME) return this.#adjtime(request, clock);
    const taiOffsetSec = applyTimex(this.#data, request, clock);
    return this.#read(readPhaseOffset(this.#data), clock, taiOffsetSec);
  }

  /** The old adjtime(): a slew of its own, beside the loop's. It answers with what the one before had left. */
  #adjtime({ modes, offset }: TimexRequest, clock: AdjtimexClock): NtpAdjtimexOutcome {
    const left = this.#data.timeAdjust;
    if (!(modes & ADJ_OFFSET_READONLY)) {
      this.#data.timeAdjust = offset;
      updateFrequency(this.#data);
    }
    return this.#read(left, clock, clock.taiOffsetSec);
  }

  #read(offset: bigint, clock: AdjtimexClock, taiOffsetSec: number): NtpAdjtimexOutcome {
    return { answer: readBack(this.#data, offset, clock.realtime, taiOffsetSec), taiOffsetSec };
  }

  /** The whole state, as plain JSON. */
  state(): NtpStateData {
    return toStateData(this.hz, this.#data);
  }

  /**
   * The state that {@link state} wrote, or one recorded elsewhere. Nothing is computed anew: a tick length that does not
   * follow from tick and frequency is kept until something changes it.
   *
   * @throws TypeError or RangeError for a value outside its width, or outside what adjtimex lets it be.
   * @example
   * const ntp = new NtpState({ hz: 1000 });
   * NtpState.fromState(ntp.state()).tickLength === ntp.tickLength // => true
   */
  static fromState(data: NtpStateData): NtpState {
    const restored = fromStateData(data);
    const ntp = new NtpState({ hz: data.hz });
    ntp.#data = restored;
    return ntp;
  }
}

function checkClock(clock: AdjtimexClock): void {
  const fn = "NtpState.adjtimex";
  checkObject(fn, "clock", clock);
  checkS64(fn, "clock.xtimeSec", clock.xtimeSec);
  checkObject(fn, "clock.realtime", clock.realtime);
  checkS64(fn, "clock.realtime.sec", clock.realtime.sec);
  checkS64(fn, "clock.realtime.nsec", clock.realtime.nsec);
  if (clock.realtime.nsec < 0n || clock.realtime.nsec >= NSEC_PER_SEC) {
    throw new RangeError(
      `${fn}: expected clock.realtime.nsec to be 0 … 999999999, got ${clock.realtime.nsec}`,
    );
  }
  checkS32(fn, "clock.taiOffsetSec", clock.taiOffsetSec);
}
