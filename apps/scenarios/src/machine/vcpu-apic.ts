import type { GuestTsc, HostTsc, VcpuTscView } from "@chronovisor/clocksource";
import {
  type AdvanceWait,
  InterruptState,
  LapicTimer,
  type LapicTimerBehaviours,
  type LapicTimerConfig,
  type LapicTimerOptions,
  type LapicTimerState,
  type LapicTimerVcpu,
  type NestedPreemptionTimer,
  PreemptionTimer,
  PreemptionTimerMultiplexer,
  type PreemptionTimerPort,
} from "@chronovisor/lapic";
import {
  IA32_TSC_DEADLINE,
  SVR_APIC_ENABLED,
  X2APIC_EOI,
  X2APIC_LVTT,
  X2APIC_SVR,
  X2APIC_TDCR,
  X2APIC_TMCCT,
  X2APIC_TMICT,
} from "./guest.js";
import type { Host } from "./host.js";
import type { TimerOwner } from "./raw-timers.js";
import { type CatchUp, TimerCallbacks } from "./timer-callbacks.js";
import { TimerObserver } from "./timer-observer.js";
import { TimerTrace } from "./trace/timer-trace.js";
import type { VcpuThread } from "./vcpu-thread.js";

const SVR_RESET = 0xff;
const SVR_STORED = 0x3ff;
const LVT_MASKED = 1 << 16;
const VECTOR = 0xff;

export interface VcpuApicOptions {
  readonly tsc: VcpuTscView;
  readonly behaviours: LapicTimerBehaviours;
  readonly timerConfig: Partial<LapicTimerConfig>;
  /** Rate shift of the VMX preemption timer; undefined on a machine without one. */
  readonly preemptionTimerShift: number | undefined;
  /** Hardware delivers interrupts without exits. */
  readonly apicv: "off" | "on";
  /** pi_inject_timer, with HLT or MWAIT exits disabled: expiries may be posted. Default: they may not. */
  readonly posting?: "off" | "on";
  readonly catchUp: CatchUp;
  readonly costs: { readonly callback: bigint };
}

/**
 * A vCPU's local APIC as far as time goes: the timer, the interrupt registers, and the x2APIC MSRs that reach them.
 */
export class VcpuApic implements LapicTimerVcpu {
  readonly preemptionTimerShift: number;
  readonly #host: Host;
  readonly #thread: VcpuThread;
  readonly #tsc: VcpuTscView;
  readonly #irq = new InterruptState();
  readonly #hv: PreemptionTimer | undefined;
  /** The preemption timer's shares, where a nested timer has one. */
  readonly #shared: PreemptionTimerMultiplexer | undefined;
  readonly #trace: TimerTrace | undefined;
  /** Watches the timer. */
  readonly observer: TimerObserver;
  readonly #callbacks: TimerCallbacks;
  readonly #timerOptions: LapicTimerOptions;
  #timer: LapicTimer;
  /** What the preemption timer field holds; it is written only when it changes. */
  #timerField: number | undefined;
  #svr = SVR_RESET;
  #virtualized: boolean;

  constructor(host: Host, thread: VcpuThread & TimerOwner, options: VcpuApicOptions) {
    const { tsc, catchUp, costs, preemptionTimerShift: rateShift } = options;
    const { clock } = host;
    this.#host = host;
    this.#thread = thread;
    this.#tsc = tsc;
    const trace = host.trace === undefined ? undefined : new TimerTrace(host.trace, thread);
    this.#trace = trace;
    this.#virtualized = options.apicv === "on";
    this.#posting = options.posting === "on";
    this.preemptionTimerShift = rateShift ?? 0;
    const { deadlineClock } = options.behaviours;
    if (rateShift !== undefined) {
      this.#hv = new PreemptionTimer({ clock, tsc, rateShift });
      if (deadlineClock === "hardware-multiplexed") this.#shared = new PreemptionTimerMultiplexer(this.#hv);
    }
    this.observer = new TimerObserver(host, thread, tsc, options.behaviours, trace);
    this.#callbacks = new TimerCallbacks(host, thread, {
      catchUp,
      cost: costs.callback,
      trace,
      timer: () => this.#timer,
    });
    this.#timerOptions = {
      clock,
      tsc,
      createTimer: (onExpiry) => this.#callbacks.createTimer(onExpiry),
      createRawTimer: (onExpiry) =>
        this.#callbacks.createRawTimer(
          deadlineClock === "mapped-each-tick" ? "mapped" : "own-event",
          thread,
          onExpiry,
        ),
      ...(this.#hv === undefined ? {} : { preemptionTimer: this.#shared?.lapic ?? this.#hv }),
      vcpu: this,
      behaviours: options.behaviours,
      config: options.timerConfig,
      events: this.observer.events,
    };
    this.#timer = new LapicTimer(this.#timerOptions);
    this.observer.watch(this.#timer);
  }

  /** Whether the guest's own APIC accesses and deliveries need no exit (APICv). */
  get virtualized(): boolean {
    return this.#virtualized;
  }

  /** The VM gave a reason to inhibit APICv, as a changed xAPIC id is: from now on interrupts need exits. */
  inhibitApicv(): void {
    this.#virtualized = false;
  }

  get timer(): LapicTimer {
    return this.#timer;
  }

  /** Replaces the timer's state behind its back, as a bug elsewhere in the kernel would. */
  corruptTimer(change: (state: LapicTimerState) => LapicTimerState): void {
    const state = change(this.#timer.state());
    this.#callbacks.disarm();
    this.#timer = LapicTimer.fromState(state, this.#timerOptions);
    this.observer.watch(this.#timer);
  }

  // What the timer asks of its vCPU.

  readonly hwEnabled = true;
  readonly #posting: boolean;

  get canPostTimerInterrupt(): boolean {
    return this.#posting && this.virtualized;
  }

  get canUseHvTimer(): boolean {
    return true;
  }

  get swEnabled(): boolean {
    return (this.#svr & SVR_APIC_ENABLED) !== 0;
  }

  get apicvActive(): boolean {
    return this.virtualized;
  }

  get wantsToRun(): boolean {
    return this.#thread.wantsToRun;
  }

  get inGuestMode(): boolean {
    return this.#thread.state === "guest";
  }

  deliver(lvtt: number): boolean {
    this.#thread.counters.inj += 1;
    if ((lvtt & LVT_MASKED) !== 0 || !this.swEnabled) return false;
    const vector = lvtt & VECTOR;
    const first = this.#irq.accept(vector, "edge");
    this.observer.injected(first);
    this.#trace?.injected(vector, first ? "first" : "coalesced");
    // Only a posted expiry is delivered to a guest that runs.
    if (this.inGuestMode) this.#thread.notifyPosted();
    return true;
  }

  requestUnblock(): void {
    this.#thread.requestUnblock();
  }

  wake(): void {
    this.#thread.wake();
  }

  kick(): void {
    this.#thread.kick();
  }

  spin(wait: AdvanceWait): void {
    if (wait.kind === "cycles") this.#host.engine.spend(wait.cycles);
    else if (wait.kind === "ns") this.#host.engine.spend(this.#host.cycles(BigInt(wait.ns)));
  }

  // What the run loop asks.

  /** Which backend serves the timer now. */
  get backend(): "hv" | "sw" | "none" {
    if (this.timer.hvInUse) return "hv";
    return this.timer.hrtimerArmed ? "sw" : "none";
  }

  injectPending(): void {
    if (this.timer.hasPending()) this.timer.injectPending();
  }

  deliverable(): number | undefined {
    const vector = this.#irq.deliverable();
    return vector < 0 ? undefined : vector;
  }

  /** Moves the highest deliverable vector into service, as taking the interrupt does. */
  acknowledge(): number | undefined {
    const vector = this.deliverable();
    if (vector === undefined) return undefined;
    this.#irq.ack(vector);
    if (vector === (this.timer.lvtt & VECTOR)) this.observer.taken();
    this.#trace?.acknowledged(vector);
    return vector;
  }

  /** What the preemption timer field holds for this entry; undefined on a machine without the timer. */
  loadPreemptionTimer(): number | undefined {
    if (this.#hv === undefined) return undefined;
    const written = this.#hv.loadAtEntry("ordinary");
    if (written !== undefined) this.#timerField = written;
    return this.#timerField;
  }

  /** Spins away what is left of the timer advance. */
  waitBeforeEntry(): void {
    if (this.timer.expiredTsc === 0n) return;
    const vector = this.timer.lvtt & VECTOR;
    const waiting = this.virtualized ? this.#irq.irr : this.#irq.isr;
    this.spin(this.timer.waitBeforeEntry(waiting.has(vector) ? "present" : "absent"));
  }

  /** The preemption timer forced the guest out. One that stands for "no deadline" ran down: nothing expired. */
  preemptionTimerExit(nested: NestedPreemptionTimer | undefined): void {
    if (this.#hv === undefined || this.#hv.softDisabled) return;
    this.#trace?.preemptionTimerExit();
    const due = this.#shared?.earliest() ?? ["lapic"];
    if (due.includes("lapic")) this.timer.expiredHvTimer();
    if (due.includes("nested")) nested?.expiredHvTimer();
  }

  /** The share of the preemption timer that a nested one may use. */
  get nestedPort(): PreemptionTimerPort | undefined {
    return this.#shared?.nested;
  }

  /** The first host TSC at which the guest's reads `guest`; now if it already does. */
  firstHostTscAt(guest: GuestTsc): HostTsc {
    const now = this.#thread.now;
    const left = BigInt.asIntN(64, guest - this.#tsc.readL1(now));
    if (left <= 0n) return now;
    const { l1Ratio, fractionBits } = this.#tsc;
    const bits = BigInt(fractionBits);
    if (l1Ratio === 1n << bits) return (now + left) as HostTsc;
    // From 0 on, not from now: what floored until now is part of a guest's cycle.
    const scaled = ((now * l1Ratio) >> bits) + left;
    return (((scaled << bits) + l1Ratio - 1n) / l1Ratio) as HostTsc;
  }

  // What the guest accesses.

  /** Whether a write of this MSR leaves the guest: with APICv, end of interrupt does not. */
  exitsOnWrite(msr: number): boolean {
    return !(this.virtualized && msr === X2APIC_EOI);
  }

  /** "fault" is #GP: no such register, or not one this machine has. */
  wrmsr(msr: number, value: bigint): "ok" | "fault" {
    if (msr === IA32_TSC_DEADLINE) {
      this.timer.writeTscDeadline(value);
      return "ok";
    }
    if (value >> 32n !== 0n) return "fault";
    const low = Number(value);
    switch (msr) {
      case X2APIC_EOI:
        this.#eoi();
        return "ok";
      case X2APIC_SVR:
        this.#svr = low & SVR_STORED;
        if (!this.swEnabled) this.timer.maskLvtt();
        return "ok";
      case X2APIC_LVTT:
        this.timer.writeLvtt(low);
        return "ok";
      case X2APIC_TMICT:
        this.timer.writeTmict(low);
        this.observer.computed();
        return "ok";
      case X2APIC_TDCR:
        this.timer.writeTdcr(low);
        this.observer.computed();
        return "ok";
      default:
        return "fault";
    }
  }

  /** Undefined is #GP. */
  rdmsr(msr: number): bigint | undefined {
    switch (msr) {
      case IA32_TSC_DEADLINE:
        return this.timer.readTscDeadline();
      case X2APIC_SVR:
        return BigInt(this.#svr);
      case X2APIC_LVTT:
        return BigInt(this.timer.lvtt);
      case X2APIC_TMICT:
        return BigInt(this.timer.tmict);
      case X2APIC_TMCCT:
        return BigInt(this.timer.readTmcct());
      case X2APIC_TDCR:
        return BigInt(this.timer.tdcr);
      default:
        return undefined;
    }
  }

  #eoi(): void {
    const vector = this.#irq.eoi();
    this.#trace?.ended(vector < 0 ? undefined : vector);
  }
}
