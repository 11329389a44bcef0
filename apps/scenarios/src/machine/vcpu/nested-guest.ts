import type { MonotonicNs, VcpuTscView } from "@chronovisor/clocksource";
import { HRTIMER_MODE_ABS, HRTIMER_MODE_HARD, HRTIMER_MODE_PINNED, type Hrtimer } from "@chronovisor/hrtimer";
import {
  type LapicTimerBehaviours,
  NestedPreemptionTimer,
  type PreemptionTimerPort,
} from "@chronovisor/lapic";
import type { Host } from "../host/host.js";
import { MappedRawTimer, RawClockTimer, type TimerOwner } from "./raw-timers.js";
import type { VcpuThread } from "./vcpu-thread.js";

/** Rate shift of the preemption timer that KVM shows to L1: 32 cycles a tick. */
const EMULATED_RATE_SHIFT = 5n;
const MODE = HRTIMER_MODE_ABS | HRTIMER_MODE_PINNED;

/** How one stay of L2 that its preemption timer ended met its deadline, in L1 cycles: negative is early. */
export interface NestedExit {
  /** L1's TSC when L2 last ran, less the deadline: L2 saw a TSC past its deadline where this is positive. */
  readonly leftCycles: bigint;
  /** Host TSC of that instant. */
  readonly at: bigint;
}

export interface NestedGuestOptions {
  readonly tsc: VcpuTscView;
  readonly deadlineClock: LapicTimerBehaviours["deadlineClock"];
  /** A share of the host's preemption timer, for the mitigation that uses it. */
  readonly port: PreemptionTimerPort | undefined;
}

/** A guest of the guest, as far as its preemption timer goes: L1 enters it, and the timer brings it back. */
export class NestedGuest {
  readonly timer: NestedPreemptionTimer;
  readonly #host: Host;
  readonly #thread: VcpuThread;
  readonly #tsc: VcpuTscView;
  #hrtimer: Hrtimer | undefined;
  #expired = false;
  /** L1's TSC when L2 last left. */
  #leftAt = 0n;
  /** Callbacks of the timer, rechecks included. */
  callbacks = 0;
  /** Times a software timer was armed again because the host's clock changed its rate. */
  compensations = 0;
  /** Told of every return to L1. */
  onExit: ((exit: NestedExit) => void) | undefined;

  constructor(host: Host, owner: VcpuThread & TimerOwner, options: NestedGuestOptions) {
    const { tsc, deadlineClock, port } = options;
    this.#host = host;
    this.#thread = owner;
    this.#tsc = tsc;
    const RawTimerKind = deadlineClock === "mapped-each-tick" ? MappedRawTimer : RawClockTimer;
    this.timer = new NestedPreemptionTimer({
      clock: host.clock,
      tsc,
      deadlineClock,
      createTimer: (onExpiry) => {
        const timer: Hrtimer = host.hrtimers.createTimer(
          () => {
            this.callbacks += 1;
            return onExpiry(timer) as MonotonicNs | undefined;
          },
          { name: `nested timer of ${owner.name}`, mode: HRTIMER_MODE_HARD },
        );
        this.#hrtimer = timer;
        host.trace?.hrtimers.calls(timer, "vmx_preemption_timer_fn");
        return timer;
      },
      createRawTimer: (onExpiry) =>
        new RawTimerKind(host, owner, (timer) => {
          this.callbacks += 1;
          return onExpiry(timer);
        }),
      events: {
        onCompensate: () => {
          this.compensations += 1;
        },
      },
      ...(port === undefined ? {} : { preemptionTimer: port }),
      onExpire: () => this.#expire(),
    });
  }

  /** L1 enters L2, whose timer counts `ticks` of 32 cycles down. */
  enter(ticks: number): void {
    if (this.timer.enter(ticks) === "expired") this.#expired = true;
  }

  /** L2 left the CPU. */
  left(): void {
    this.#leftAt = this.#tsc.readL1(this.#thread.now);
  }

  /** The thread's CPU changed: a queued hrtimer comes along. */
  migrate(): void {
    if (this.#hrtimer?.armed === true && this.#hrtimer.cancel()) this.#hrtimer.startExpires(MODE);
  }

  /** The timer ran out, and L1 has not heard of it. */
  get expired(): boolean {
    return this.#expired;
  }

  /** Returns to L1 if the timer ran out. */
  exitIfExpired(): boolean {
    if (!this.#expired) return false;
    this.#expired = false;
    const deadline = (this.timer.deadline ?? 0n) << EMULATED_RATE_SHIFT;
    this.timer.exitToL1();
    this.onExit?.({ leftCycles: BigInt.asIntN(64, this.#leftAt - deadline), at: this.#host.engine.now });
    return true;
  }

  #expire(): void {
    this.#expired = true;
    this.#thread.requestUnblock();
    this.#thread.kick();
  }
}
