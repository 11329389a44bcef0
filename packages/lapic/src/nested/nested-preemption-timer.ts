import type { GuestTsc, HostClock, MonotonicNs, VcpuTscView } from "@chronovisor/clocksource";
import { type CreateTimer, HRTIMER_MODE_ABS, HRTIMER_MODE_PINNED, type Timer } from "@chronovisor/hrtimer";
import { checkS64, checkU32, checkU64 } from "../arguments.js";
import { deadlineDelayNs } from "../timer/tsc-deadline.js";

/** The rate shift KVM shows to L1 (VMX_MISC_EMULATED_PREEMPTION_TIMER_RATE). */
const EMULATED_RATE_SHIFT = 5n;

/** What an entry of L2 did with the timer. */
export type NestedEntry = "expired" | "armed" | "unarmed";

/** What a nested preemption timer is built from. */
export interface NestedPreemptionTimerOptions {
  readonly clock: HostClock;
  readonly tsc: VcpuTscView;
  readonly createTimer: CreateTimer;
  /** The hrtimer ran out: L2 must exit to L1. */
  readonly onExpire?: () => void;
}

/** JSON form of a {@link NestedPreemptionTimer}. */
export interface NestedPreemptionTimerState {
  /** In units of 32 L1 cycles, decimal; null before the first entry. */
  readonly deadline: string | null;
  readonly hrtimerExpiresNs: string | null;
}

/**
 * The VMX preemption timer as KVM emulates it for a nested guest: always an hrtimer on CLOCK_MONOTONIC, so NTP moves it
 * against the TSC it stands for (`vmx_calc_preemption_timer_value`, `vmx_start_preemption_timer`,
 * docs/model/timekeeping-ntp §7.3). L1 sees rate shift 5. The deadline is latched at the first entry and lives until L2
 * leaves to L1; entered again after it, the remainder is a huge unsigned number, and the delay an alias of it.
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
  readonly #clock: HostClock;
  readonly #tsc: VcpuTscView;
  readonly #hrtimer: Timer;
  #deadline: bigint | undefined;

  constructor(options: NestedPreemptionTimerOptions) {
    this.#clock = options.clock;
    this.#tsc = options.tsc;
    this.#hrtimer = options.createTimer(() => {
      options.onExpire?.();
      return undefined;
    });
  }

  /** The latched deadline in units of 32 L1 cycles; undefined before the first entry. */
  get deadline(): bigint | undefined {
    return this.#deadline;
  }

  /**
   * Entry of L2. The first latches the deadline `value` ticks ahead; each arms for what is left. "expired": nothing is
   * left, and L2 must exit at once. "unarmed": the guest has no TSC frequency. The delay rounds down and wraps at 64
   * bits of cycles · 10^6.
   *
   * @param value - the counter L1 wrote, u32; only the first entry uses it.
   * @throws RangeError or TypeError for anything but a u32.
   */
  enter(value: number): NestedEntry {
    checkU32("NestedPreemptionTimer.enter", "value", value);
    const guest: GuestTsc = this.#tsc.readL1(this.#clock.tsc());
    const ticks = guest >> EMULATED_RATE_SHIFT;
    // u64: a sum beyond 64 bits and a deadline already past both wrap.
    this.#deadline ??= BigInt.asUintN(64, BigInt(value) + ticks);
    const left = BigInt.asUintN(64, this.#deadline - ticks);
    if (left === 0n) return "expired";
    const khz = this.#tsc.virtualTscKhz;
    if (khz === 0) return "unarmed";
    const ns = deadlineDelayNs(left << EMULATED_RATE_SHIFT, 0n, khz);
    const expiresNs = BigInt.asIntN(64, this.#clock.monotonicNs() + ns) as MonotonicNs;
    this.#hrtimer.start(expiresNs, HRTIMER_MODE_ABS | HRTIMER_MODE_PINNED);
    return "armed";
  }

  /** L2 left to L0 for a while: the hrtimer stops, the deadline stays. */
  pause(): void {
    this.#hrtimer.cancel();
  }

  /** L2 left to L1: the deadline is forgotten. A restore before v5.8 does the same (`nestedTimerRestore`). */
  exitToL1(): void {
    this.#hrtimer.cancel();
    this.#deadline = undefined;
  }

  /** A JSON-safe copy. */
  state(): NestedPreemptionTimerState {
    return {
      deadline: this.#deadline === undefined ? null : this.#deadline.toString(),
      hrtimerExpiresNs: this.#hrtimer.armed ? this.#hrtimer.expiresNs.toString() : null,
    };
  }

  /**
   * The timer `state` was taken from, over new parts; its hrtimer is started again if it was queued.
   *
   * @throws RangeError, TypeError or SyntaxError for a state outside its domain.
   */
  static fromState(
    state: NestedPreemptionTimerState,
    options: NestedPreemptionTimerOptions,
  ): NestedPreemptionTimer {
    const timer = new NestedPreemptionTimer(options);
    if (state.deadline !== null) {
      const deadline = BigInt(state.deadline);
      checkU64("NestedPreemptionTimer.fromState", "deadline", deadline);
      timer.#deadline = deadline;
    }
    if (state.hrtimerExpiresNs !== null) {
      const expiresNs = BigInt(state.hrtimerExpiresNs);
      checkS64("NestedPreemptionTimer.fromState", "hrtimerExpiresNs", expiresNs);
      timer.#hrtimer.start(expiresNs as MonotonicNs, HRTIMER_MODE_ABS | HRTIMER_MODE_PINNED);
    }
    return timer;
  }
}
