import type { GuestTsc, HostTsc, MonotonicNs, VcpuTscView } from "@chronovisor/clocksource";
import type { LapicTimer, LapicTimerBehaviours, LapicTimerEvents } from "@chronovisor/lapic";
import type { Host } from "../host/host.js";
import type { TimerTrace } from "../trace/timer-trace.js";
import type { VcpuThread } from "./vcpu-thread.js";

const MODE_TSC_DEADLINE = 2;

/** One timer interrupt the guest took, and where it came from. */
export interface TimerDelivery {
  /** The CPU that processed the expiry. */
  readonly expiredOn: number;
  /** The CPU that put it before the guest. */
  readonly injectedOn: number;
  /** Host TSC from the expiry's due instant to the guest taking it, in cycles. */
  readonly late: bigint;
}

/** Watches a LAPIC timer: counts what it does, measures how late it is and how far its two deadlines lie apart. */
export class TimerObserver {
  readonly events: Partial<LapicTimerEvents>;
  /** Told of every tuning of the timer advance: its new value, and the guest cycles it was off by. */
  onTune: ((advanceNs: number, deltaCycles: bigint) => void) | undefined;
  readonly #host: Host;
  readonly #thread: VcpuThread;
  readonly #tsc: VcpuTscView;
  /** The ratio of a TSC that is not scaled. */
  readonly #unity: bigint;
  /** The deadline is computed from what is left to the target, unclamped: it means nothing while nothing is left. */
  readonly #fromRemainder: boolean;
  readonly #trace: TimerTrace | undefined;
  #timer: LapicTimer | undefined;
  /** Host TSC at which the expiry was due that waits to be injected, and the one that waits to be taken. */
  #pendingDue: bigint | undefined;
  #latchedDue: bigint | undefined;
  #pendingOn: number | undefined;
  /** Whether the last request joined one that still waited. */
  #coalesced: "no" | "yes" = "no";
  #latchedFrom = 0;
  #injectedOn = 0;
  /** Told of every timer interrupt the guest takes. */
  onDelivery: ((delivery: TimerDelivery) => void) | undefined;
  /** Told how far the guest TSC is from its deadline when a TSC-deadline timer expires, in guest cycles: negative is early. */
  onDeadline: ((errorCycles: bigint) => void) | undefined;

  constructor(
    host: Host,
    thread: VcpuThread,
    tsc: VcpuTscView,
    { periodicAdvance }: LapicTimerBehaviours,
    trace: TimerTrace | undefined,
  ) {
    this.#host = host;
    this.#thread = thread;
    this.#tsc = tsc;
    this.#unity = 1n << BigInt(tsc.fractionBits);
    this.#fromRemainder = periodicAdvance !== "independent" && periodicAdvance !== "resync-clamped";
    this.#trace = trace;
    this.events = this.#observe();
  }

  /** The timer that the events come from. */
  watch(timer: LapicTimer): void {
    this.#timer = timer;
  }

  /** A register write computed both deadlines anew. */
  computed(): void {
    const timer = this.#timer;
    if (timer === undefined || timer.period === 0n) return;
    this.#apart(this.#host.clock.firstTscAt(timer.target), timer.tscDeadline);
  }

  /** The APIC requested a vector; the timer's injection reports itself right after its own. */
  requested(coalesced: "no" | "yes"): void {
    this.#coalesced = coalesced;
  }

  #injected(): void {
    if (this.#coalesced === "no") {
      const { currentCpu } = this.#host.hrtimers;
      this.#latchedDue = this.#pendingDue ?? this.#dueNow();
      this.#latchedFrom = this.#pendingOn ?? currentCpu;
      this.#injectedOn = currentCpu;
      this.#thread.counters.irrSet += 1;
    }
    this.#pendingDue = undefined;
    this.#pendingOn = undefined;
  }

  /** The guest took the timer's interrupt. */
  taken(): void {
    const { counters, now } = this.#thread;
    counters.interruptSeen(now);
    if (this.#latchedDue === undefined) return;
    const late = now - this.#latchedDue;
    counters.taken(late);
    this.onDelivery?.({ expiredOn: this.#latchedFrom, injectedOn: this.#injectedOn, late });
    this.#latchedDue = undefined;
  }

  #observe(): Partial<LapicTimerEvents> {
    const thread = this.#thread;
    const trace = this.#trace;
    const { counters } = thread;
    return {
      onExpire: ({ source, outcome }) => {
        if (source === "preemption-timer") counters.hvExp += 1;
        else if (source !== "callback") counters.swStart += 1;
        if (outcome === "pending") {
          this.#pendingDue = this.#dueNow();
          this.#pendingOn = this.#host.hrtimers.currentCpu;
        }
        this.#reportDeadline();
        trace?.expired(source, outcome);
      },
      onInject: (_lvtt, accepted) => {
        counters.inj += 1;
        if (accepted) this.#injected();
      },
      onArm: (arming) => {
        counters.restarts += 1;
        trace?.armed(arming);
      },
      onTune: (advanceNs, deltaCycles) => {
        trace?.tuned(advanceNs);
        this.onTune?.(advanceNs, deltaCycles);
      },
      onDisarm: (backend) => trace?.disarmed(backend),
      onAdvance: (target, deadline) => {
        const targetTsc = this.#host.clock.firstTscAt(target);
        if (!this.#fromRemainder || targetTsc > thread.now) this.#apart(targetTsc, deadline);
        trace?.advanced(target as MonotonicNs, deadline as GuestTsc);
      },
      onBackend: (backend, reason) => {
        if (reason === "fallback") counters.fallbacks += 1;
        trace?.backend(backend, reason);
      },
      onWarn: ({ kind }) => {
        counters.warnings += 1;
        trace?.warning(kind);
      },
    };
  }

  #reportDeadline(): void {
    const timer = this.#timer;
    if (this.onDeadline === undefined || timer?.mode !== MODE_TSC_DEADLINE) return;
    this.onDeadline(BigInt.asIntN(64, this.#tsc.readL1(this.#thread.now) - timer.expiredTsc));
  }

  #apart(targetTsc: HostTsc, deadline: bigint): void {
    const apart = targetTsc - this.#hostTscOf(deadline);
    this.#thread.counters.deadlinesApart(apart);
    this.#trace?.lag(this.#host.nanoseconds(apart));
  }

  /** When the present expiry was due, by the deadline of the backend that serves it. */
  #dueNow(): bigint | undefined {
    const timer = this.#timer;
    if (timer === undefined) return undefined;
    const inGuestTime = timer.hvInUse || timer.mode === MODE_TSC_DEADLINE;
    return inGuestTime ? this.#hostTscOf(timer.tscDeadline) : this.#host.clock.firstTscAt(timer.target);
  }

  /** Host TSC of a guest TSC within 2^63 cycles of now, rounded down under scaling. */
  #hostTscOf(guest: bigint): bigint {
    const now: HostTsc = this.#thread.now;
    const ahead = BigInt.asIntN(64, guest - this.#tsc.readL1(now));
    const { l1Ratio } = this.#tsc;
    return now + (l1Ratio === this.#unity ? ahead : (ahead * this.#unity) / l1Ratio);
  }
}
