import type { GuestTsc, HostTsc, MonotonicNs, VcpuTscView } from "@chronovisor/clocksource";
import { HRTIMER_MODE_HARD, type Hrtimer, type OnExpiry } from "@chronovisor/hrtimer";
import {
  type AdvanceWait,
  InterruptState,
  LapicTimer,
  type LapicTimerBehaviours,
  type LapicTimerConfig,
  type LapicTimerEvents,
  type LapicTimerOptions,
  type LapicTimerState,
  type LapicTimerVcpu,
  PreemptionTimer,
} from "@chronovisor/lapic";
import type { TraceSink } from "@chronovisor/trace";
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
import type { HostCpu } from "./host-cpu.js";
import type { Vcpu } from "./vcpu.js";

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
  /** Whether a halted guest's tick brings the preemption timer back, or only an unrelated interrupt does. */
  readonly idleModel: "reentry" | "software";
  /** How a backlog of hrtimer callbacks is run: the bytes are the same. */
  readonly catchUp: "closed-form" | "stepped";
  readonly costs: { readonly callback: bigint };
  readonly trace?: TraceSink;
}

/**
 * A vCPU's local APIC as far as time goes: the timer, the interrupt registers, and the x2APIC MSRs that reach them.
 */
export class VcpuApic implements LapicTimerVcpu {
  readonly preemptionTimerShift: number;
  /** Whether the guest's own APIC accesses and deliveries need no exit. */
  readonly virtualized: boolean;
  readonly #host: Host;
  readonly #cpu: HostCpu;
  readonly #vcpu: Vcpu;
  readonly #tsc: VcpuTscView;
  readonly #irq = new InterruptState();
  readonly #timerOptions: LapicTimerOptions;
  #timer: LapicTimer;
  readonly #hv: PreemptionTimer | undefined;
  readonly #catchUp: VcpuApicOptions["catchUp"];
  readonly #callbackCost: bigint;
  readonly #trace: TraceSink | undefined;
  /** What the preemption timer field holds; it is written only when it changes. */
  #timerField: number | undefined;
  #svr = SVR_RESET;
  #hrtimer: Hrtimer | undefined;
  /** The interrupt whose callbacks are being counted, and the horizon of its first pass. */
  #countedInterrupt = -1;
  #firstHorizon: MonotonicNs | undefined;
  #firstPassCallbacks = 0;

  constructor(host: Host, cpu: HostCpu, vcpu: Vcpu, options: VcpuApicOptions) {
    this.#host = host;
    this.#cpu = cpu;
    this.#vcpu = vcpu;
    this.#tsc = options.tsc;
    this.#catchUp = options.catchUp;
    this.#callbackCost = options.costs.callback;
    this.#trace = options.trace;
    this.virtualized = options.apicv === "on";
    this.preemptionTimerShift = options.preemptionTimerShift ?? 0;
    if (options.preemptionTimerShift !== undefined) {
      this.#hv = new PreemptionTimer({
        clock: host.clock,
        tsc: options.tsc,
        rateShift: options.preemptionTimerShift,
      });
    }
    this.#timerOptions = {
      clock: host.clock,
      tsc: options.tsc,
      createTimer: (onExpiry) => this.#createTimer(onExpiry),
      ...(this.#hv === undefined ? {} : { preemptionTimer: this.#hv }),
      vcpu: this,
      behaviours: options.behaviours,
      config: options.timerConfig,
      events: this.#events(),
    };
    this.#timer = new LapicTimer(this.#timerOptions);
  }

  get timer(): LapicTimer {
    return this.#timer;
  }

  /** Replaces the timer's state behind its back, as a bug elsewhere in the kernel would. */
  corruptTimer(change: (state: LapicTimerState) => LapicTimerState): void {
    const state = change(this.#timer.state());
    this.#hrtimer?.cancel();
    this.#timer = LapicTimer.fromState(state, this.#timerOptions);
  }

  // What the timer asks of its vCPU.

  readonly hwEnabled = true;
  readonly canPostTimerInterrupt = false;
  readonly canUseHvTimer = true;

  get swEnabled(): boolean {
    return (this.#svr & SVR_APIC_ENABLED) !== 0;
  }

  get apicvActive(): boolean {
    return this.virtualized;
  }

  get wantsToRun(): boolean {
    return this.#vcpu.wantsToRun;
  }

  get inGuestMode(): boolean {
    return this.#vcpu.state === "guest";
  }

  deliver(lvtt: number): boolean {
    const { counters } = this.#vcpu;
    counters.inj += 1;
    if ((lvtt & LVT_MASKED) !== 0 || !this.swEnabled) return false;
    const vector = lvtt & VECTOR;
    const latched = this.#irq.accept(vector, "edge");
    if (latched) counters.irrSet += 1;
    this.#trace?.emit({
      kind: "inject",
      at: this.#vcpu.now,
      vcpu: this.#vcpu.id,
      vector,
      coalesced: latched ? "no" : "yes",
    });
    return true;
  }

  requestUnblock(): void {
    this.#vcpu.requestUnblock();
  }

  wake(): void {
    this.#vcpu.wake();
  }

  kick(): void {
    this.#vcpu.kick();
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

  /** Latches a vector from elsewhere. */
  request(vector: number): void {
    this.#irq.accept(vector, "edge");
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
    const { now, id, counters } = this.#vcpu;
    if (vector === (this.timer.lvtt & VECTOR)) counters.interruptSeen(now);
    this.#trace?.emit({ kind: "acknowledge", at: now, vcpu: id, vector });
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
  preemptionTimerExit(): void {
    if (this.#hv === undefined || this.#hv.softDisabled) return;
    this.#trace?.emit({ kind: "preemption-timer-exit", at: this.#vcpu.now, vcpu: this.#vcpu.id });
    this.timer.expiredHvTimer();
  }

  /** The first host TSC at which the guest's reads `guest`; now if it already does. */
  firstHostTscAt(guest: GuestTsc): HostTsc {
    const now = this.#vcpu.now;
    const left = BigInt.asIntN(64, guest - this.#tsc.readL1(now));
    if (left <= 0n) return now;
    const one = 1n << BigInt(this.#tsc.fractionBits);
    if (this.#tsc.l1Ratio === one) return (now + left) as HostTsc;
    // The scaled counter floors, so the first cycle that reads enough is within one of the quotient.
    let host = now + (left * one) / this.#tsc.l1Ratio;
    while (BigInt.asIntN(64, this.#tsc.readL1(host as HostTsc) - guest) < 0n) host += 1n;
    return host as HostTsc;
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
        return "ok";
      case X2APIC_TDCR:
        this.timer.writeTdcr(low);
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
    this.#trace?.emit({
      kind: "eoi",
      at: this.#vcpu.now,
      vcpu: this.#vcpu.id,
      vector: vector < 0 ? undefined : vector,
    });
  }

  // The hrtimer behind the software backend, and what is counted of both.

  #createTimer(onExpiry: OnExpiry): Hrtimer {
    const timer: Hrtimer = this.#host.hrtimers.createTimer(() => this.#callback(timer, onExpiry), {
      name: `LAPIC timer of ${this.#vcpu.name}`,
      mode: HRTIMER_MODE_HARD,
    });
    this.#hrtimer = timer;
    return timer;
  }

  /** One callback: it reads the clock as it begins, then costs what a callback costs. */
  #callback(timer: Hrtimer, onExpiry: OnExpiry): MonotonicNs | undefined {
    const { counters } = this.#vcpu;
    counters.cb += 1;
    this.#trace?.emit({
      kind: "hrtimer-callback",
      at: this.#vcpu.now,
      vcpu: this.#vcpu.id,
      cpu: timer.cpu,
    });
    const next = onExpiry(timer);
    this.#host.engine.spend(this.#callbackCost);
    const horizon = this.#cpu.timers.horizon(timer);
    this.#countPass(horizon, 1);
    if (next === undefined || next > horizon || this.#catchUp === "stepped") return next;
    const { count, nextExpiryNs } = this.timer.skipBacklog(next, horizon);
    if (count === 0n) return next;
    this.#countPass(horizon, Number(count));
    // Every callback left out would have advanced by a period and cost the same; the last one due runs as usual.
    counters.cb += Number(count);
    counters.restarts += Number(count);
    this.#host.engine.spend(count * this.#callbackCost);
    this.#trace?.emit({
      kind: "hrtimer-catch-up",
      at: this.#vcpu.now,
      vcpu: this.#vcpu.id,
      cpu: timer.cpu,
      count,
    });
    return nextExpiryNs as MonotonicNs;
  }

  /** Callbacks of one pass share its horizon, unless another timer's expiry lies in between. */
  #countPass(horizon: MonotonicNs, callbacks: number): void {
    const interrupt = this.#cpu.timers.nrEvents;
    if (interrupt !== this.#countedInterrupt) {
      this.#countedInterrupt = interrupt;
      this.#firstHorizon = horizon;
      this.#firstPassCallbacks = 0;
    }
    if (horizon !== this.#firstHorizon) return;
    this.#firstPassCallbacks += callbacks;
    const { counters } = this.#vcpu;
    if (this.#firstPassCallbacks > counters.cbPass1) counters.cbPass1 = this.#firstPassCallbacks;
  }

  #events(): Partial<LapicTimerEvents> {
    const vcpu = this.#vcpu;
    const { counters } = vcpu;
    const trace = this.#trace;
    return {
      onExpire: ({ source, outcome }) => {
        if (source === "preemption-timer") counters.hvExp += 1;
        else if (source !== "callback") counters.swStart += 1;
        trace?.emit({ kind: "timer-expired", at: vcpu.now, vcpu: vcpu.id, source, outcome });
      },
      onArm: (arming) => {
        counters.restarts += 1;
        trace?.emit({
          kind: "timer-armed",
          at: vcpu.now,
          vcpu: vcpu.id,
          backend: arming.backend,
          deadline: arming.backend === "hrtimer" ? arming.expiresNs : arming.guestDeadline,
        });
      },
      onDisarm: (backend) => trace?.emit({ kind: "timer-disarmed", at: vcpu.now, vcpu: vcpu.id, backend }),
      onAdvance: (target, tscDeadline) => {
        this.measureLag(target, tscDeadline);
        trace?.emit({
          kind: "timer-advanced",
          at: vcpu.now,
          vcpu: vcpu.id,
          targetNs: target as MonotonicNs,
          deadlineTsc: tscDeadline as GuestTsc,
        });
      },
      onBackend: (backend, reason) => {
        if (reason === "fallback") counters.fallbacks += 1;
        trace?.emit({ kind: "backend", at: vcpu.now, vcpu: vcpu.id, backend, reason });
      },
      onWarn: ({ kind }) => {
        counters.warnings += 1;
        trace?.emit({ kind: "warning", at: vcpu.now, vcpu: vcpu.id, text: kind });
      },
    };
  }

  /** How far the target lies behind the deadline, in host cycles. A deadline past 2^63 cycles away is no lag. */
  measureLag(target: bigint, tscDeadline: bigint): void {
    const now = this.#vcpu.now;
    const ahead = BigInt.asIntN(64, tscDeadline - this.#tsc.readL1(now));
    const one = 1n << BigInt(this.#tsc.fractionBits);
    const ratio = this.#tsc.l1Ratio;
    const hostAhead = ratio === one ? ahead : (ahead * one) / ratio;
    this.#vcpu.counters.deadlinesApart(this.#host.clock.firstTscAt(target) - (now + hostAhead));
  }
}
