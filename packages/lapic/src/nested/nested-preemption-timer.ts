import type { GuestTsc, MonotonicNs } from "@chronovisor/clocksource";
import {
  type CreateTimer,
  HRTIMER_MODE_ABS,
  HRTIMER_MODE_PINNED,
  type HrtimerMode,
  type Timer,
} from "@chronovisor/hrtimer";
import { checkOneOf, checkS64, checkU32, checkU64 } from "../arguments.js";
import type { PreemptionTimerPort } from "../preemption/preemption-timer-port.js";
import { DEADLINE_CLOCK_VALUES, type DeadlineClock } from "../timer/deadline-clock.js";
import {
  DEFAULT_RATE_THRESHOLD_PPB,
  DeadlineTimer,
  type DeadlineTimerParts,
  type DeadlineTimerState,
} from "../timer/deadline-timer.js";

/** The rate shift KVM shows to L1 (VMX_MISC_EMULATED_PREEMPTION_TIMER_RATE). */
const EMULATED_RATE_SHIFT = 5n;
const MODE: HrtimerMode = HRTIMER_MODE_ABS | HRTIMER_MODE_PINNED;

/** What an entry of L2 did with the timer. */
export type NestedEntry = "expired" | "armed" | "unarmed";

/** What a nested preemption timer is built from: its parts are those of the LAPIC timer, and as optional. */
export interface NestedPreemptionTimerOptions extends DeadlineTimerParts {
  readonly createTimer: CreateTimer;
  /** The timer ran out: L2 must exit to L1. */
  readonly onExpire?: () => void;
  /** How it deals with NTP; `monotonic`, as every release does, by default. */
  readonly deadlineClock?: DeadlineClock;
  /** See `LapicTimerConfig.rateThresholdPpb`; 1000 by default. */
  readonly rateThresholdPpb?: number;
}

/** JSON form of a {@link NestedPreemptionTimer}. */
export interface NestedPreemptionTimerState {
  /** In units of 32 L1 cycles, decimal; null before the first entry. */
  readonly deadline: string | null;
  readonly hrtimerExpiresNs: string | null;
  /** Present only under a `deadlineClock` that keeps more. */
  readonly deadlineTimer?: DeadlineTimerState;
  /** Present only while the host's preemption timer serves the deadline. */
  readonly hvInUse?: true;
}

/**
 * The VMX preemption timer as KVM emulates it for a nested guest: always an hrtimer on CLOCK_MONOTONIC, so NTP moves it
 * against the TSC it stands for (`vmx_calc_preemption_timer_value`, `vmx_start_preemption_timer`,
 * docs/model/timekeeping-ntp §7.3). L1 sees rate shift 5. The deadline is latched at the first entry and lives until L2
 * leaves to L1; entered again after it, the remainder is a huge unsigned number, and the delay an alias of it.
 *
 * `deadlineClock` chooses what is done about NTP. Under `hardware-multiplexed` the host's preemption timer serves the
 * deadline from an entry on, and the hrtimer only out of its reach or between `switchToSw` and `switchToHv`; like the
 * values that count host cycles it then takes a deadline already past as expired.
 *
 * @example
 * const still = { monotonicNs: () => 0n, tsc: () => 0n, sample: () => ({ monotonicNs: 0n, tsc: 0n }) };
 * const armedFor = [];
 * const oneTimer = () => ({ armed: false, expiresNs: 0n, start: (ns) => armedFor.push(ns), cancel: () => false });
 * const l1 = { readL1: (h) => h, nsToCycles: (ns) => ns, virtualTscKhz: 2_500_000, l1Ratio: 1n << 48n, fractionBits: 48 };
 * const nested = new NestedPreemptionTimer({ clock: still, tsc: l1, createTimer: oneTimer });
 * nested.enter(1_000_000) // => 'armed'
 * armedFor // => [ 12800000n ]
 */
export class NestedPreemptionTimer {
  readonly #options: NestedPreemptionTimerOptions;
  readonly #hrtimer: Timer;
  readonly #software: DeadlineTimer;
  /** The host's preemption timer, under the rule that uses it. */
  readonly #hv: PreemptionTimerPort | undefined;
  #deadline: bigint | undefined;
  #hvInUse = false;

  /** @throws RangeError for an unknown `deadlineClock`, TypeError for one that needs a part that is not there. */
  constructor(options: NestedPreemptionTimerOptions) {
    const fn = "NestedPreemptionTimer";
    const { deadlineClock = "monotonic", rateThresholdPpb = DEFAULT_RATE_THRESHOLD_PPB } = options;
    checkOneOf(fn, "deadlineClock", deadlineClock, DEADLINE_CLOCK_VALUES);
    this.#options = options;
    this.#hrtimer = options.createTimer(() => this.#onExpiry() as MonotonicNs | undefined);
    this.#software = new DeadlineTimer(fn, deadlineClock, rateThresholdPpb, options, this.#hrtimer, () =>
      this.#onExpiry(),
    );
    this.#hv = this.#software.rule.nestedHardware === "in-guest" ? options.preemptionTimer : undefined;
  }

  /** The latched deadline in units of 32 L1 cycles; undefined before the first entry. */
  get deadline(): bigint | undefined {
    return this.#deadline;
  }

  /** Whether the host's preemption timer serves the deadline. */
  get hvInUse(): boolean {
    return this.#hvInUse;
  }

  /**
   * Entry of L2. The first latches the deadline `value` ticks ahead; each arms for what is left. "expired": nothing is
   * left, and L2 must exit at once. "unarmed": the guest has no TSC frequency. The delay rounds down and, by the guest's
   * frequency, wraps at 64 bits of cycles · 10^6.
   *
   * @param value - the counter L1 wrote, u32; only the first entry uses it.
   * @throws RangeError or TypeError for anything but a u32.
   */
  enter(value: number): NestedEntry {
    checkU32("NestedPreemptionTimer.enter", "value", value);
    const now = this.#ticksNow();
    // u64: a sum beyond 64 bits wraps.
    this.#deadline ??= BigInt.asUintN(64, BigInt(value) + now);
    const served = this.#startHv(this.#deadline);
    if (served !== "out-of-range") return served;
    const past = now > this.#deadline;
    // u64: in the kernel's arithmetic a deadline already past wraps to a far one.
    const ticks = past && !this.#software.wraps ? 0n : BigInt.asUintN(64, this.#deadline - now);
    return this.#startSoftware(ticks << EMULATED_RATE_SHIFT);
  }

  /** L2 left to L0 for a while: the timer stops, the deadline stays. */
  pause(): void {
    this.#hrtimer.cancel();
    this.#software.timer.cancel();
    this.#leaveHv();
  }

  /** L2 left to L1: the deadline is forgotten. A restore before v5.8 does the same (`nestedTimerRestore`). */
  exitToL1(): void {
    this.pause();
    this.#deadline = undefined;
  }

  /** The vCPU is about to block in L2: leaves the host's preemption timer for the hrtimer, if it is in use. */
  switchToSw(): void {
    if (!this.#hvInUse) return;
    this.#leaveHv();
    if (this.#startSoftware(this.#cyclesLeft()) === "expired") this.#options.onExpire?.();
  }

  /** The vCPU unblocked: back to the host's preemption timer, if the rule uses it and the hrtimer waits. */
  switchToHv(): void {
    if (this.#deadline === undefined || !this.#software.timer.armed) return;
    if (this.#startHv(this.#deadline) === "expired") this.#options.onExpire?.();
  }

  /** An exit of the host's preemption timer for this deadline: its expiry, taken unasked as the LAPIC timer's. */
  expiredHvTimer(): void {
    if (!this.#hvInUse) return;
    this.#leaveHv();
    this.#options.onExpire?.();
  }

  /** The host's timekeeper was updated; to be told of every update. See `LapicTimer.clockUpdated`. */
  clockUpdated(): void {
    // One that is due meanwhile is armed for now: the expiry is its callback's.
    if (this.#software.mustRearm()) this.#arm(this.#cyclesLeft());
  }

  /** A JSON-safe copy. */
  state(): NestedPreemptionTimerState {
    const deadlineTimer = this.#software.state();
    return {
      deadline: this.#deadline === undefined ? null : this.#deadline.toString(),
      hrtimerExpiresNs: this.#hrtimer.armed ? this.#hrtimer.expiresNs.toString() : null,
      ...(deadlineTimer === undefined ? {} : { deadlineTimer }),
      ...(this.#hvInUse ? { hvInUse: true } : {}),
    };
  }

  /**
   * The timer `state` was taken from, over new parts; its hrtimer is started again if it was queued. The host's
   * preemption timer must be restored beside it.
   *
   * @throws RangeError, TypeError or SyntaxError for a state outside its domain.
   */
  static fromState(
    state: NestedPreemptionTimerState,
    options: NestedPreemptionTimerOptions,
  ): NestedPreemptionTimer {
    const fn = "NestedPreemptionTimer.fromState";
    const timer = new NestedPreemptionTimer(options);
    const { hvInUse = false } = state;
    checkOneOf(fn, "hvInUse", hvInUse, timer.#hv === undefined ? [false] : [false, true]);
    timer.#hvInUse = hvInUse;
    if (state.deadline !== null) {
      const deadline = BigInt(state.deadline);
      checkU64(fn, "deadline", deadline);
      timer.#deadline = deadline;
    }
    const rawExpiresNs = timer.#software.load(fn, state.deadlineTimer);
    if (rawExpiresNs !== undefined) timer.#software.timer.start(rawExpiresNs, MODE);
    if (state.hrtimerExpiresNs !== null) {
      const expiresNs = BigInt(state.hrtimerExpiresNs);
      checkS64(fn, "hrtimerExpiresNs", expiresNs);
      timer.#hrtimer.start(expiresNs as MonotonicNs, MODE);
    }
    return timer;
  }

  /** L1's TSC now, in the units of the deadline. */
  #ticksNow(): bigint {
    const guest: GuestTsc = this.#options.tsc.readL1(this.#options.clock.tsc());
    return guest >> EMULATED_RATE_SHIFT;
  }

  /** L1 cycles to the deadline, from the last multiple of 32: up to 31 too many. 0 when it is past. */
  #cyclesLeft(): bigint {
    const now = this.#ticksNow();
    const deadline = this.#deadline ?? now;
    return deadline > now ? (deadline - now) << EMULATED_RATE_SHIFT : 0n;
  }

  #startHv(deadline: bigint): "armed" | "expired" | "out-of-range" {
    if (this.#hv === undefined) return "out-of-range";
    // u64: back from units of 32 cycles.
    const result = this.#hv.set(BigInt.asUintN(64, deadline << EMULATED_RATE_SHIFT) as GuestTsc, 0);
    if (result === "out-of-range") {
      this.#leaveHv();
      return result;
    }
    this.#software.timer.cancel();
    this.#hvInUse = true;
    if (result === "expired") this.#leaveHv();
    return result;
  }

  #leaveHv(): void {
    if (!this.#hvInUse) return;
    this.#hv?.cancel();
    this.#hvInUse = false;
  }

  #startSoftware(cycles: bigint): NestedEntry {
    if (cycles === 0n) return "expired";
    if (this.#options.tsc.virtualTscKhz === 0) return "unarmed";
    this.#arm(cycles);
    return "armed";
  }

  #arm(cycles: bigint): void {
    const ns = this.#software.delayNs(cycles);
    this.#software.timer.start(this.#software.expiryAfter(this.#software.now(), ns), MODE);
  }

  #onExpiry(): bigint | undefined {
    const { rule } = this.#software;
    if (rule.recheck !== "none") {
      const cycles = this.#cyclesLeft();
      const ns = cycles === 0n ? 0n : this.#software.delayNs(cycles);
      const outcome = this.#software.recheck(cycles, ns);
      if (outcome === "restarted") return this.#software.expiryAfter(this.#software.now(), ns);
      if (outcome === "lost") return undefined;
    }
    this.#options.onExpire?.();
    return undefined;
  }
}
