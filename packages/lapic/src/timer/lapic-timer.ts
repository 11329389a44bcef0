import type { HostClock, VcpuTscView } from "@chronovisor/clocksource";
import { checkOneOf, checkS64, checkU32, checkU64 } from "../arguments.js";
import { TimerAdvance } from "./advance.js";
import { type AdvanceWait, NO_WAIT } from "./advance-wait.js";
import type { TimerBackends } from "./backends.js";
import { type BacklogSkip, skipCallbacks } from "./backlog.js";
import type { LapicTimerBehaviours } from "./behaviours.js";
import { currentCount, divideOf, limitPeriod } from "./count.js";
import { TimerEngine } from "./engine.js";
import type { LapicTimerEvents } from "./events.js";
import type { TimerFields } from "./fields.js";
import { completeConfig, type LapicTimerConfig, type LapicTimerOptions } from "./options.js";
import {
  LVT_MASKED,
  LVTT_STORED_MASK,
  MODE_MASK_PERIODIC,
  MODE_MASK_TSC_DEADLINE,
  TDCR_STORED_MASK,
  TIMER_MODE_ONE_SHOT,
  TIMER_MODE_PERIODIC,
  TIMER_MODE_TSC_DEADLINE,
  type TimerModeNumber,
} from "./registers.js";
import { checkModeMask, type LapicTimerState, loadState, saveState } from "./state.js";
import { type CountConfiguration, rescaleCount, startCount } from "./target-expiration.js";
import type { LapicTimerVcpu } from "./vcpu.js";

const LVTT_VECTOR: readonly ("present" | "absent")[] = ["present", "absent"];

/**
 * The timer half of KVM's local APIC: registers, both backends, expiry and injection, save and restore, the advance
 * (docs/model/lapic §7-§10, docs/model/hv-timer §4-§7).
 *
 * @example
 * const host = { now: 0n, timer: undefined };
 * const clock = { monotonicNs: () => host.now, tsc: () => host.now, sample: () => ({ monotonicNs: host.now, tsc: host.now }) };
 * const createTimer = (onExpiry) => {
 *   host.timer = { armed: false, expiresNs: 0n, start(ns) { this.armed = true; this.expiresNs = ns; }, cancel() { const was = this.armed; this.armed = false; return was; } };
 *   return host.timer;
 * };
 * const tsc1GHz = { readL1: (h) => h, nsToCycles: (ns) => ns, virtualTscKhz: 1_000_000, l1Ratio: 1n << 48n, fractionBits: 48 };
 * const vcpu0 = { hwEnabled: true, swEnabled: true, deliver: () => true, requestUnblock() {}, kick() {} };
 * const timer = new LapicTimer({ clock, tsc: tsc1GHz, createTimer, vcpu: vcpu0 });
 * timer.writeLvtt(0x200ec);
 * timer.writeTmict(1_000_000);
 * host.timer.expiresNs // => 2000000n
 * host.now = 500_000n;
 * timer.readTmcct() // => 750000
 */
export class LapicTimer {
  /** One value per axis; `unblockToHv` is for the run loop to read. */
  readonly behaviours: LapicTimerBehaviours;
  readonly #engine: TimerEngine;
  readonly #f: TimerFields;
  readonly #backends: TimerBackends;
  readonly #clock: HostClock;
  readonly #tsc: VcpuTscView;
  readonly #vcpu: LapicTimerVcpu;
  readonly #config: LapicTimerConfig;
  readonly #events: Partial<LapicTimerEvents>;

  /** @throws RangeError or TypeError for an unknown behaviour or a configuration outside its domain. */
  constructor(options: LapicTimerOptions) {
    const config = completeConfig(options.config ?? {});
    const engine = new TimerEngine(options, config);
    this.behaviours = engine.behaviours;
    this.#engine = engine;
    this.#f = engine.fields;
    this.#backends = engine.backends;
    this.#clock = options.clock;
    this.#tsc = options.tsc;
    this.#vcpu = options.vcpu;
    this.#config = config;
    this.#events = options.events ?? {};
    this.#f.minTimerPeriodUs = config.minTimerPeriodUs;
    this.#f.modeMask = config.tscDeadlineSupported ? MODE_MASK_TSC_DEADLINE : MODE_MASK_PERIODIC;
  }

  /** LVTT as stored. */
  get lvtt(): number {
    return this.#f.lvtt;
  }
  /** Initial count as stored. */
  get tmict(): number {
    return this.#f.tmict;
  }
  /** Divide configuration as stored. */
  get tdcr(): number {
    return this.#f.tdcr;
  }
  /** The divisor in force. */
  get divide(): number {
    return this.#f.divide;
  }
  /** 0 one-shot, 1 periodic, 2 TSC deadline, 3 reserved. */
  get mode(): TimerModeNumber {
    return this.#f.mode;
  }
  /** ns, s64; 0 while nothing counts. */
  get period(): bigint {
    return this.#f.period;
  }
  /** When the count ends, in CLOCK_MONOTONIC ns, s64. */
  get target(): bigint {
    return this.#f.target;
  }
  /** The deadline of the preemption timer in every mode, in guest TSC cycles, u64; 0 when not programmed. */
  get tscDeadline(): bigint {
    return this.#f.tscDeadline;
  }
  /** Guest TSC still to be waited for before the next entry, u64; 0 for none. */
  get expiredTsc(): bigint {
    return this.#f.expiredTsc;
  }
  /** The advance in force, ns, u32. */
  get advanceNs(): number {
    return this.#engine.advance.ns;
  }
  /** Expirations not yet injected: 0 or 1. */
  get pending(): number {
    return this.#f.pending;
  }
  /** Whether the preemption timer is the backend in use. */
  get hvInUse(): boolean {
    return this.#f.hvInUse;
  }
  /** Whether the hrtimer is queued, a deadline's on CLOCK_MONOTONIC_RAW included. */
  get hrtimerArmed(): boolean {
    return this.#backends.queued !== undefined;
  }
  /** What the hrtimer is queued for, CLOCK_MONOTONIC ns; undefined when it is not. */
  get hrtimerExpiresNs(): bigint | undefined {
    return this.#engine.hrtimer.armed ? this.#engine.hrtimer.expiresNs : undefined;
  }
  /** What a deadline's timer on RAW is queued for, CLOCK_MONOTONIC_RAW ns; undefined when it is not. */
  get rawExpiresNs(): bigint | undefined {
    return this.#engine.deadline.rawExpiresNs;
  }

  /** Bits of LVTT's mode field that can be stored; CPUID decides (0 before it is set). Takes effect at the next write. */
  get modeMask(): number {
    return this.#f.modeMask;
  }
  set modeMask(mask: number) {
    checkModeMask("LapicTimer.modeMask", mask);
    this.#f.modeMask = mask;
  }

  /** The lower limit of a period in µs, u32; a change acts when the period is next computed. */
  get minTimerPeriodUs(): number {
    return this.#f.minTimerPeriodUs;
  }
  set minTimerPeriodUs(us: number) {
    checkU32("LapicTimer.minTimerPeriodUs", "us", us);
    this.#f.minTimerPeriodUs = us;
  }

  /** Writes LVTT: stores what is storable, masked while software-disabled, and acts on a mode change (§7.3). */
  writeLvtt(value: number): void {
    checkU32("LapicTimer.writeLvtt", "value", value);
    const masked = this.#vcpu.swEnabled ? value : value | LVT_MASKED;
    this.#f.lvtt = (masked & (LVTT_STORED_MASK | this.#f.modeMask)) >>> 0;
    this.#updateMode();
  }

  /** Software disable, SVR bit 8 written 0: LVTT masked, a pending expiry dropped; the backends run on (§5). */
  maskLvtt(): void {
    this.#f.lvtt = (this.#f.lvtt | LVT_MASKED) >>> 0;
    this.#updateMode();
    this.#f.pending = 0;
  }

  /** Writes the initial count: restarts from full, 0 stops. Ignored, and not stored, in TSC-deadline mode (§7.4). */
  writeTmict(value: number): void {
    checkU32("LapicTimer.writeTmict", "value", value);
    if (this.#f.mode === TIMER_MODE_TSC_DEADLINE) {
      this.#events.onIgnored?.({ register: "TMICT", value: BigInt(value) });
      return;
    }
    this.#cancelBoth();
    this.#f.tmict = value;
    this.#start("TMICT", 0);
  }

  /** Writes the divide configuration; a new divisor rescales a running count at once or at the next start (§7.4). */
  writeTdcr(value: number): void {
    checkU32("LapicTimer.writeTdcr", "value", value);
    const f = this.#f;
    const oldDivide = f.divide;
    f.tdcr = value & TDCR_STORED_MASK;
    f.divide = divideOf(f.tdcr);
    if (f.divide === oldDivide || f.period === 0n || !this.#engine.rules.tdcrRescales) return;
    this.#backends.cancelHrtimer();
    const rescaled = rescaleCount(
      {
        ...this.#count(),
        oldDivide,
        newDivide: f.divide,
        tscDeadline: f.tscDeadline,
        target: f.target,
        now: this.#clock.monotonicNs(),
      },
      this.#tsc,
    );
    f.period = rescaled.period;
    f.tscDeadline = rescaled.tscDeadline;
    f.target = rescaled.target;
    this.#backends.restart("start", this.#backends.inUse);
  }

  /** Stops the timer as a change to or from TSC-deadline mode does: nothing counts, nothing is pending (§7.3). */
  disarm(): void {
    const f = this.#f;
    this.#cancelBoth();
    f.tmict = 0;
    f.period = 0n;
    f.tscDeadline = 0n;
  }

  /** Reads the current count: 0 in TSC-deadline mode, else see {@link tmcct}. */
  readTmcct(): number {
    const f = this.#f;
    if (f.mode === TIMER_MODE_TSC_DEADLINE || f.tmict === 0 || f.period === 0n) return 0;
    const now = this.#clock.monotonicNs();
    return currentCount(f.tmict, f.divide, this.#config.busCycleNs, f.period, f.target, now);
  }

  /** Writes MSR 0x6E0; dropped unless the APIC is enabled and in TSC-deadline mode. 0 disarms (§7.7). */
  writeTscDeadline(value: bigint): void {
    checkU64("LapicTimer.writeTscDeadline", "value", value);
    if (!this.#vcpu.hwEnabled || this.#f.mode !== TIMER_MODE_TSC_DEADLINE) {
      this.#events.onIgnored?.({ register: "TSC_DEADLINE", value });
      return;
    }
    this.#backends.cancelHrtimer();
    this.#f.tscDeadline = value;
    this.#start("TMICT", 0);
  }

  /** Reads MSR 0x6E0: 0 unless the APIC is enabled and in TSC-deadline mode. */
  readTscDeadline(): bigint {
    return this.#vcpu.hwEnabled && this.#f.mode === TIMER_MODE_TSC_DEADLINE ? this.#f.tscDeadline : 0n;
  }

  /** A preemption-timer exit (`kvm_lapic_expired_hv_timer`): expires, and a periodic timer advances and restarts. */
  expiredHvTimer(): void {
    this.#engine.expiredHvTimer();
  }

  /** About to block: leaves the preemption timer for the hrtimer. Nothing to do unless it is in use. */
  switchToSw(): void {
    if (!this.#f.hvInUse) return;
    this.#backends.startSw();
    this.#events.onBackend?.("hrtimer", "switch");
  }

  /** Unblocked: tries the preemption timer again (`kvm_lapic_switch_to_hv_timer`). Whether to is `unblockToHv`. */
  switchToHv(): void {
    this.#backends.restart("switch", this.#backends.inUse);
  }

  /** Loaded on another CPU: recomputes the host deadline (`kvm_lapic_restart_hv_timer`), if the timer is in use. */
  restart(): void {
    if (this.#f.hvInUse) this.#backends.restart("start", this.#backends.inUse);
  }

  /**
   * The vCPU changed CPU (KVM_REQ_MIGRATE_TIMER): a queued hrtimer is cancelled and started again from the new CPU,
   * unless interrupts are posted. True when it moved.
   */
  migrate(): boolean {
    return this.#backends.migrate();
  }

  /**
   * The host's timekeeper was updated; to be told of every update. A software TSC deadline is armed again, under the
   * values of `deadlineClock` that do so, if CLOCK_MONOTONIC's rate moved by more than `rateThresholdPpb` since; one that
   * is due is armed for now.
   */
  clockUpdated(): void {
    this.#backends.clockUpdated();
  }

  /** Whether an expiry is pending that can be injected (`apic_has_pending_timer`): enabled and LVTT unmasked. */
  hasPending(): boolean {
    if (this.#f.pending === 0 || (this.#f.lvtt & LVT_MASKED) !== 0) return false;
    return this.#vcpu.hwEnabled && this.#vcpu.swEnabled;
  }

  /** Injects a pending expiry (`kvm_inject_apic_timer_irqs`). The run loop asks {@link hasPending} first. */
  injectPending(): void {
    this.#engine.injectPending();
  }

  /**
   * Just before the entry: how long to spin so that the guest does not see the interrupt before its deadline; tunes an
   * adaptive advance (§9). Forgets the expired deadline.
   *
   * @param lvttVector - whether LVTT's vector is in ISR, or in IRR under APICv.
   * @throws RangeError for another value.
   */
  waitBeforeEntry(lvttVector: "present" | "absent"): AdvanceWait {
    checkOneOf("LapicTimer.waitBeforeEntry", "lvttVector", lvttVector, LVTT_VECTOR);
    if (this.#f.expiredTsc === 0n || this.#engine.advance.ns === 0) return NO_WAIT;
    if (lvttVector === "absent" || !this.#vcpu.hwEnabled) return NO_WAIT;
    return this.#engine.takeWait();
  }

  /** RESET or INIT (§5): registers as after power-on, hrtimer cancelled; period and target survive. */
  reset(): void {
    const f = this.#f;
    this.#backends.cancelHrtimer();
    f.lvtt = LVT_MASKED;
    this.#updateMode();
    f.tdcr = 0;
    f.divide = divideOf(0);
    f.tmict = 0;
    f.pending = 0;
    this.#engine.hv?.cancel();
    if (this.#config.hvInUseAfterReset === "cleared") f.hvInUse = false;
  }

  /**
   * KVM_SET_LAPIC, the timer's part (§8): both backends cancelled, the page's registers taken over, and the count
   * continued from its saved value. A mode change across TSC deadline zeroes the initial count just copied.
   *
   * @param page - LVTT, TMICT, TDCR and TMCCT of the page, u32 each.
   * @throws RangeError or TypeError for anything but a u32, before anything changed.
   */
  restore(page: {
    readonly lvtt: number;
    readonly tmict: number;
    readonly tdcr: number;
    readonly tmcct: number;
  }): void {
    checkU32("LapicTimer.restore", "lvtt", page.lvtt);
    checkU32("LapicTimer.restore", "tmict", page.tmict);
    checkU32("LapicTimer.restore", "tdcr", page.tdcr);
    checkU32("LapicTimer.restore", "tmcct", page.tmcct);
    const f = this.#f;
    f.lvtt = page.lvtt;
    f.tmict = page.tmict;
    f.tdcr = page.tdcr;
    this.#cancelBoth();
    f.expiredTsc = 0n;
    this.#updateMode();
    f.divide = divideOf(f.tdcr);
    this.#start("TMCCT", page.tmcct);
  }

  /** Starts from a saved current count, u32, instead of from the initial count (`__start_apic_timer(APIC_TMCCT)`). */
  restoreCount(tmcct: number): void {
    checkU32("LapicTimer.restoreCount", "tmcct", tmcct);
    this.#start("TMCCT", tmcct);
  }

  /**
   * How many hrtimer callbacks from `nextExpiryNs` on can be left out because each would find the previous expiry
   * pending and only advance; the last one due by `horizonNs` is left to run. Applies the advances: bit for bit what
   * stepping gives once that last callback has run. 0 unless periodic, pending and under a rule whose step is constant.
   *
   * @param nextExpiryNs - expiry of the next callback, CLOCK_MONOTONIC ns, s64.
   * @param horizonNs - the instant up to which callbacks are due, s64.
   * @returns the count, and the expiry the hrtimer must have next.
   */
  skipBacklog(nextExpiryNs: bigint, horizonNs: bigint): BacklogSkip {
    checkS64("LapicTimer.skipBacklog", "nextExpiryNs", nextExpiryNs);
    checkS64("LapicTimer.skipBacklog", "horizonNs", horizonNs);
    if (this.#backends.canPost) return { count: 0n, nextExpiryNs };
    return skipCallbacks(this.#f, this.behaviours, this.#tsc, nextExpiryNs, horizonNs);
  }

  /** A JSON-safe copy; the preemption timer has its own. */
  state(): LapicTimerState {
    const { advance, hrtimer, deadline } = this.#engine;
    return saveState(this.#f, advance, hrtimer, deadline);
  }

  /**
   * The timer `state` was taken from, over new parts; its hrtimer is started again if it was queued. The preemption
   * timer must be restored beside it. An advance shared through the options wins over the state's.
   *
   * @throws RangeError, TypeError or SyntaxError for a state outside its domain.
   */
  static fromState(state: LapicTimerState, options: LapicTimerOptions): LapicTimer {
    const sharedAdvance = options.sharedAdvance ?? TimerAdvance.fromState(state.advance);
    const timer = new LapicTimer({ ...options, sharedAdvance });
    timer.load(state);
    return timer;
  }

  /**
   * Goes on as the timer `state` was taken from, for an owner that is restored itself; the advance stays this timer's.
   * Nothing may be armed.
   *
   * @throws RangeError, TypeError or SyntaxError for a state outside its domain.
   */
  load(state: LapicTimerState): void {
    const expiresNs = loadState(this.#f, state);
    const rawExpiresNs = this.#engine.deadline.load("LapicTimer.fromState", state.deadlineTimer);
    if (expiresNs !== undefined) this.#backends.armHrtimer(expiresNs);
    if (rawExpiresNs !== undefined) this.#backends.armDeadline(rawExpiresNs);
  }

  #updateMode(): void {
    const f = this.#f;
    const mode = ((f.lvtt & f.modeMask) >>> 17) as TimerModeNumber;
    if (mode === f.mode) return;
    if ((mode === TIMER_MODE_TSC_DEADLINE) !== (f.mode === TIMER_MODE_TSC_DEADLINE)) {
      this.disarm();
    }
    f.mode = mode;
    f.period = limitPeriod(mode, f.period, f.minTimerPeriodUs);
  }

  #cancelBoth(): void {
    this.#backends.cancelHrtimer();
    this.#backends.cancelHv();
    this.#f.pending = 0;
  }

  #start(countReg: "TMICT" | "TMCCT", tmcct: number): void {
    const f = this.#f;
    f.pending = 0;
    if (f.mode === TIMER_MODE_ONE_SHOT || f.mode === TIMER_MODE_PERIODIC) {
      const hostTsc = this.#clock.tsc();
      const now = this.#clock.monotonicNs();
      const { oneshotRestore } = this.behaviours;
      const { divide, target } = f;
      const inputs = { ...this.#count(), divide, countReg, tmcct, oneshotRestore, hostTsc, now, target };
      const started = startCount(inputs, this.#tsc);
      f.period = started.period;
      f.tscDeadline = started.tscDeadline;
      f.target = started.target;
      if (started.tmcct !== tmcct) this.#events.onWarn?.({ kind: "restored-count-above-period", tmcct });
      if (!started.ok) return;
    }
    this.#backends.restart("start", this.#backends.inUse);
  }

  #count(): CountConfiguration {
    const { mode, tmict, minTimerPeriodUs } = this.#f;
    return { mode, tmict, minTimerPeriodUs, busCycleNs: this.#config.busCycleNs };
  }
}
