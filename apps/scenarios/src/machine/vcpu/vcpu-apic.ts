import type { GuestTsc, HostTsc, VcpuTscView } from "@chronovisor/clocksource";
import {
  type AdvanceWait,
  APIC_BASE_EXTD,
  type ApicBus,
  type ApicInterrupt,
  DELIVERY_MODE_LOWEST_PRIORITY,
  type LapicTimer,
  type LapicTimerBehaviours,
  type LapicTimerState,
  LocalApic,
  type LocalApicBehaviours,
  type LocalApicOptions,
  type LocalApicVcpu,
  LVT_VECTOR_MASK,
  MSR_IA32_APICBASE,
  type NestedPreemptionTimer,
  PreemptionTimer,
  PreemptionTimerMultiplexer,
  type PreemptionTimerPort,
  X2APIC_MSR_FIRST,
  X2APIC_MSR_LAST,
} from "@chronovisor/lapic";
import {
  IA32_TSC_DEADLINE,
  X2APIC_EOI,
  X2APIC_SELF_IPI,
  X2APIC_TDCR,
  X2APIC_TMICT,
  X2APIC_TPR,
} from "../guest/guest.js";
import type { Host } from "../host/host.js";
import { TimerTrace } from "../trace/timer-trace.js";
import type { TimerOwner } from "./raw-timers.js";
import { type CatchUp, TimerCallbacks } from "./timer-callbacks.js";
import { TimerObserver } from "./timer-observer.js";
import type { VcpuThread } from "./vcpu-thread.js";

/** No run is as long: 14 years of the fastest counter. */
const FARTHEST = 2n ** 62n;

export interface VcpuApicOptions {
  readonly tsc: VcpuTscView;
  readonly behaviours: LapicTimerBehaviours;
  /** Where its APIC departs from the manual; as KVM does by default. */
  readonly apicBehaviours?: LocalApicBehaviours;
  readonly timerConfig: NonNullable<LocalApicOptions["timerConfig"]>;
  /** Rate shift of the VMX preemption timer; undefined on a machine without one. */
  readonly preemptionTimerShift: number | undefined;
  /** Hardware delivers interrupts without exits. */
  readonly apicv: "off" | "on";
  /** pi_inject_timer, with HLT or MWAIT exits disabled: expiries may be posted. Default: they may not. */
  readonly posting?: "off" | "on";
  /** Where the interrupts go that the VM's vCPUs send each other. By default the vCPU is alone. */
  readonly bus?: ApicBus;
  readonly catchUp: CatchUp;
  readonly costs: { readonly callback: bigint };
}

/** MSRs a vCPU with APICv writes without an exit (`vmx_update_msr_bitmap_x2apic`). */
const VIRTUALIZED_WRITES: readonly number[] = [X2APIC_TPR, X2APIC_EOI, X2APIC_SELF_IPI];

/**
 * A vCPU's local APIC, in x2APIC mode as firmware leaves it: how it reaches the vCPU's thread, the host's timers and the
 * other vCPUs of the VM.
 */
export class VcpuApic implements LocalApicVcpu {
  readonly preemptionTimerShift: number;
  readonly #host: Host;
  readonly #thread: VcpuThread;
  readonly #tsc: VcpuTscView;
  readonly #apic: LocalApic;
  readonly timer: LapicTimer;
  readonly #hv: PreemptionTimer | undefined;
  /** The preemption timer's shares, where a nested timer has one. */
  readonly #shared: PreemptionTimerMultiplexer | undefined;
  readonly #trace: TimerTrace | undefined;
  /** Watches the timer. */
  readonly observer: TimerObserver;
  readonly #callbacks: TimerCallbacks;
  /** What the preemption timer field holds; it is written only when it changes. */
  #timerField: number | undefined;
  #virtualized: boolean;
  readonly #posting: boolean;
  /** Its own thread serves an access or injects: it looks at the APIC again before the guest goes on, and needs no kick. */
  #serving = false;

  /** @throws RangeError if another vCPU on the bus has its id. */
  constructor(host: Host, thread: VcpuThread & TimerOwner, options: VcpuApicOptions) {
    const { tsc, bus, catchUp, costs, behaviours, preemptionTimerShift: rateShift } = options;
    const { clock } = host;
    this.#host = host;
    this.#thread = thread;
    this.#tsc = tsc;
    const trace = host.trace === undefined ? undefined : new TimerTrace(host.trace, thread);
    this.#trace = trace;
    this.#virtualized = options.apicv === "on";
    this.#posting = options.posting === "on";
    this.preemptionTimerShift = rateShift ?? 0;
    const { deadlineClock } = behaviours;
    if (rateShift !== undefined) {
      this.#hv = new PreemptionTimer({ clock, tsc, rateShift });
      if (deadlineClock === "hardware-multiplexed") this.#shared = new PreemptionTimerMultiplexer(this.#hv);
    }
    this.observer = new TimerObserver(host, thread, tsc, behaviours, trace);
    this.#callbacks = new TimerCallbacks(host, thread, {
      catchUp,
      cost: costs.callback,
      trace,
      timer: () => this.timer,
    });
    this.#apic = new LocalApic({
      id: thread.id,
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
      ...(bus === undefined ? {} : { bus }),
      vcpu: this,
      timerBehaviours: behaviours,
      timerConfig: options.timerConfig,
      ...(options.apicBehaviours === undefined ? {} : { behaviours: options.apicBehaviours }),
      events: {
        timer: this.observer.events,
        onAccept: (interrupt, outcome) => this.#arrived(interrupt, outcome),
        onEoi: (vector) => this.#ended(vector),
        onApicvInhibit: (reasons) => {
          if (reasons.length > 0) this.inhibitApicv();
        },
      },
    });
    this.timer = this.#apic.timer;
    bus?.connect(this.#apic);
    this.#apic.wrmsr(MSR_IA32_APICBASE, this.#apic.apicBase | APIC_BASE_EXTD, "host");
    this.observer.watch(this.timer);
  }

  /** Whether the guest's own APIC accesses and deliveries need no exit (APICv). */
  get virtualized(): boolean {
    return this.#virtualized;
  }

  /** The VM gave a reason to inhibit APICv, as a changed xAPIC id is: from now on interrupts need exits. */
  inhibitApicv(): void {
    this.#virtualized = false;
  }

  /** Replaces the timer's state behind its back, as a bug elsewhere in the kernel would. */
  corruptTimer(change: (state: LapicTimerState) => LapicTimerState): void {
    const state = change(this.timer.state());
    this.#callbacks.disarm();
    this.timer.load(state);
  }

  // What the APIC asks of its vCPU.

  get apicvActive(): boolean {
    return this.#virtualized;
  }

  get canPostTimerInterrupt(): boolean {
    return this.#posting;
  }

  get wantsToRun(): boolean {
    return this.#thread.wantsToRun;
  }

  get inGuestMode(): boolean {
    return this.#thread.state === "guest";
  }

  get startUpBlocked(): boolean {
    return this.#thread.startUpBlocked;
  }

  requestUnblock(): void {
    this.#thread.requestUnblock();
  }

  wake(): void {
    this.#thread.wake();
  }

  kick(): void {
    if (!this.#serving) this.#thread.kick();
  }

  notifyPosted(): void {
    if (this.#serving) return;
    if (this.inGuestMode) this.#thread.notifyPosted();
    else this.#thread.wake();
  }

  spin(wait: AdvanceWait): void {
    if (wait.kind === "cycles") this.#host.engine.spend(wait.cycles);
    else if (wait.kind === "ns") this.#host.engine.spend(this.#host.cycles(BigInt(wait.ns)));
  }

  pvUnhalt(): void {
    this.#thread.unhalt();
  }

  nmi(): void {
    this.#warn("NMI: a guest program takes none");
  }

  init(): void {
    this.#thread.init();
    if (this.#apic.config.bootProcessor) this.#warn("INIT: no firmware to start the boot processor again");
  }

  startUp(vector: number): void {
    if (!this.#thread.startUp(vector))
      this.#warn(`SIPI: nothing to run at 0x${(vector * 4096).toString(16)}`);
  }

  // What the run loop asks.

  /** Which backend serves the timer now. */
  get backend(): "hv" | "sw" | "none" {
    if (this.timer.hvInUse) return "hv";
    return this.timer.hrtimerArmed ? "sw" : "none";
  }

  injectPending(): void {
    this.#serving = true;
    this.#apic.injectPendingTimer();
    this.#serving = false;
  }

  /** Whether an INIT or SIPI waits that {@link acceptEvents} would act on. */
  get hasPendingEvents(): boolean {
    return this.#apic.hasPendingEvents && !this.startUpBlocked;
  }

  /** INIT and SIPI that wait take effect. */
  acceptEvents(): void {
    if (this.#apic.hasPendingEvents) this.#apic.acceptEvents();
  }

  hasInterrupt(): boolean {
    return this.#apic.hasInterrupt();
  }

  /** Moves the highest deliverable vector into service, as taking the interrupt does. */
  acknowledge(): number | undefined {
    const vector = this.#apic.acknowledge();
    if (vector === undefined) return undefined;
    if (this.#isTimers(vector)) this.observer.taken();
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
    if (this.timer.expiredTsc !== 0n) this.spin(this.#apic.waitBeforeEntry());
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

  /** The first host TSC at which the guest's reads `guest`; now if it already does, and 2^62 cycles from now at the latest. */
  firstHostTscAt(guest: GuestTsc): HostTsc {
    const now = this.#thread.now;
    const left = BigInt.asIntN(64, guest - this.#tsc.readL1(now));
    if (left <= 0n) return now;
    const { l1Ratio, fractionBits } = this.#tsc;
    const bits = BigInt(fractionBits);
    if (l1Ratio === 1n << bits) return (now + left) as HostTsc;
    // From 0 on, not from now: what floored until now is part of a guest's cycle.
    const scaled = ((now * l1Ratio) >> bits) + left;
    const first = ((scaled << bits) + l1Ratio - 1n) / l1Ratio;
    // A slow guest's instant may lie beyond the axis, where the counter has wrapped before it reads enough.
    return (first - now > FARTHEST ? now + FARTHEST : first) as HostTsc;
  }

  // What the guest accesses.

  /** Whether a write of this MSR leaves the guest: with APICv some do not. */
  exitsOnWrite(msr: number): boolean {
    return !(this.virtualized && VIRTUALIZED_WRITES.includes(msr));
  }

  /** "fault" is #GP: no such register, or a value it does not take. */
  wrmsr(msr: number, value: bigint): "ok" | "fault" {
    if (!isApicMsr(msr)) return "fault";
    this.#serving = true;
    const result = this.#apic.wrmsr(msr, value);
    this.#serving = false;
    if (msr === X2APIC_TMICT || msr === X2APIC_TDCR) this.observer.computed();
    return result;
  }

  /** Undefined is #GP. */
  rdmsr(msr: number): bigint | undefined {
    return isApicMsr(msr) ? this.#apic.rdmsr(msr) : undefined;
  }

  // What it reports.

  #arrived({ vector, deliveryMode }: ApicInterrupt, outcome: "accepted" | "coalesced" | "discarded"): void {
    if (outcome === "discarded" || deliveryMode > DELIVERY_MODE_LOWEST_PRIORITY) return;
    this.observer.requested(outcome === "coalesced" ? "yes" : "no");
    this.#trace?.injected(vector, this.#isTimers(vector) ? "timer" : "other", outcome);
  }

  #ended(vector: number): void {
    this.#trace?.ended(vector < 0 ? undefined : vector);
  }

  #isTimers(vector: number): boolean {
    return vector === (this.timer.lvtt & LVT_VECTOR_MASK);
  }

  #warn(text: string): void {
    this.#trace?.warning(text);
  }
}

function isApicMsr(msr: number): boolean {
  if (msr >= X2APIC_MSR_FIRST && msr <= X2APIC_MSR_LAST) return true;
  return msr === IA32_TSC_DEADLINE || msr === MSR_IA32_APICBASE;
}
