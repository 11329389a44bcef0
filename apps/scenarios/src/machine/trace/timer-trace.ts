import type { GuestTsc, MonotonicNs } from "@chronovisor/clocksource";
import type { TimerArming } from "@chronovisor/lapic";
import type { ExpiryOutcome, ExpirySource, TimerBackend, TraceEvent, VcpuEvent } from "@chronovisor/trace";
import type { MachineTrace } from "./machine-trace.js";
import type { TracedThread } from "./traced-machine.js";

/** A flow to be written into an event, or none. */
interface InFlow {
  readonly flow?: number;
}

const NONE: InFlow = {};

interface Interrupt {
  readonly vector: number;
  readonly flow: InFlow;
}

type TimerEvent = Extract<VcpuEvent, { readonly flow?: number }>;
type OwnEvent = TimerEvent | Extract<TraceEvent, { readonly kind: "counter" | "warning" }>;
type Without<E, K extends string> = E extends unknown ? Omit<E, K> : never;

/**
 * What a vCPU's LAPIC timer tells. Each arming has a number of its own, which its expiry, its interrupt and the guest's end of it
 * carry on: one flow from the arming to the end of interrupt. An expiry that is swallowed by one that waits ends its flow there.
 */
export class TimerTrace {
  readonly #trace: MachineTrace;
  readonly #thread: TracedThread;
  /** The flow each backend is armed in: a switch arms one before it disarms the other. */
  readonly #armed: Record<TimerBackend, InFlow> = { hrtimer: NONE, "preemption-timer": NONE };
  /** The flow of what expires now, and of an expiry that waits. */
  #expiring: InFlow = NONE;
  #pending: InFlow | undefined;
  /** The flow of the interrupt that waits to be taken, and of the one in service; other interrupts are in none. */
  #latched: Interrupt | undefined;
  #inService: Interrupt | undefined;
  #lagNs: bigint | undefined;

  constructor(trace: MachineTrace, thread: TracedThread) {
    this.#trace = trace;
    this.#thread = thread;
  }

  armed(arming: TimerArming): void {
    const { backend } = arming;
    const deadline = arming.backend === "hrtimer" ? arming.expiresNs : arming.guestDeadline;
    const flow = this.#newFlow();
    this.#armed[backend] = flow;
    this.#emit(flow, { kind: "timer-armed", backend, deadline });
  }

  disarmed(backend: TimerBackend): void {
    this.#emit(this.#armed[backend], { kind: "timer-disarmed", backend });
    this.#armed[backend] = NONE;
  }

  preemptionTimerExit(): void {
    this.#emit(this.#expires("preemption-timer"), { kind: "preemption-timer-exit" });
  }

  /** Its callback runs on this CPU. */
  callback(cpu: number): void {
    this.#emit(this.#expires("hrtimer"), { kind: "hrtimer-callback", cpu });
  }

  /** So many callbacks of it were advanced at once. */
  caughtUp(cpu: number, count: bigint): void {
    this.#emit(NONE, { kind: "hrtimer-catch-up", cpu, count });
  }

  expired(source: ExpirySource, outcome: ExpiryOutcome): void {
    // A start that finds its deadline past arms nothing: what was armed before is not what expired.
    const flow = this.#expiring === NONE ? this.#newFlow() : this.#expiring;
    this.#expiring = NONE;
    if (outcome === "pending") this.#pending = flow;
    this.#emit(flow, { kind: "timer-expired", source, outcome });
  }

  advanced(targetNs: MonotonicNs, deadlineTsc: GuestTsc): void {
    this.#emit(NONE, { kind: "timer-advanced", targetNs, deadlineTsc });
  }

  backend(backend: TimerBackend, reason: string): void {
    this.#emit(NONE, { kind: "backend", backend, reason });
  }

  warning(text: string): void {
    this.#place({ kind: "warning", text });
  }

  /** The request register took a vector: the timer's of an expiry that waited, or of one that is told right after. */
  injected(vector: number, of: "timer" | "other", outcome: "accepted" | "coalesced"): void {
    const flow = of === "timer" ? this.#injectedIn() : NONE;
    if (of === "timer" && outcome === "accepted") this.#latched = { vector, flow };
    this.#emit(flow, { kind: "inject", vector, coalesced: outcome === "coalesced" ? "yes" : "no" });
  }

  acknowledged(vector: number): void {
    let flow = NONE;
    if (this.#latched?.vector === vector) {
      flow = this.#latched.flow;
      this.#inService = this.#latched;
      this.#latched = undefined;
    }
    this.#emit(flow, { kind: "acknowledge", vector });
  }

  ended(vector: number | undefined): void {
    let flow = NONE;
    if (this.#inService !== undefined && this.#inService.vector === vector) {
      flow = this.#inService.flow;
      this.#inService = undefined;
    }
    this.#emit(flow, { kind: "eoi", vector });
  }

  /** How far the hrtimer's target is behind the TSC deadline. */
  lag(ns: bigint): void {
    if (ns === this.#lagNs) return;
    this.#lagNs = ns;
    this.#count("lag", ns);
  }

  tuned(advanceNs: number): void {
    this.#count("lapic_timer_advance", BigInt(advanceNs));
  }

  #injectedIn(): InFlow {
    if (this.#pending !== undefined) {
      const flow = this.#pending;
      this.#pending = undefined;
      return flow;
    }
    if (this.#expiring === NONE) this.#expiring = this.#newFlow();
    return this.#expiring;
  }

  #newFlow(): InFlow {
    return { flow: this.#trace.nextFlow() };
  }

  /** What the backend was armed in expires. */
  #expires(backend: TimerBackend): InFlow {
    this.#expiring = this.#armed[backend];
    this.#armed[backend] = NONE;
    return this.#expiring;
  }

  #count(name: string, value: bigint): void {
    this.#place({ kind: "counter", name, unit: "ns", value });
  }

  #emit(flow: InFlow, event: Without<TimerEvent, "at" | "vcpu" | "flow">): void {
    const { now: at, id: vcpu } = this.#thread;
    this.#trace.emit({ ...event, at, vcpu, ...flow });
  }

  #place(event: Without<OwnEvent, "at" | "vcpu">): void {
    const { now: at, id: vcpu } = this.#thread;
    this.#trace.emit({ ...event, at, vcpu });
  }
}
