import type { HostTsc, MonotonicNs } from "@chronovisor/clocksource";
import type { EventDevice, HrtimerCpu, ProgramForce } from "@chronovisor/hrtimer";
import type { Engine, EventSource } from "../engine/engine.js";
import { Lane } from "../engine/lane.js";
import type { CpuTrace } from "../trace/cpu-trace.js";
import type { CpuGuest } from "../vcpu/vcpu-thread.js";
import type { EventTimer } from "./event-timer.js";
import type { HostTick } from "./host-tick.js";

/** What a host CPU was seen doing with interrupts off. */
export interface InterruptSection {
  /** From taking the timer interrupt to its return. */
  readonly cycles: bigint;
  /** Passes of the expiry loop it took. */
  readonly passes: number;
}

/** An interrupt another CPU sent. */
interface Ipi {
  readonly at: HostTsc;
  readonly handle: () => void;
}

/**
 * One host CPU: its clock event device with the timer interrupt it raises, the interrupts other CPUs send it, and what it
 * runs: a vCPU's thread, other work, or nothing.
 */
export class HostCpu implements EventSource, EventDevice {
  readonly id: number;
  readonly name: string;
  readonly lane: Lane = new Lane();
  readonly #engine: Engine;
  readonly #timer: EventTimer;
  readonly #trace: CpuTrace | undefined;
  #maskedUntil: HostTsc | undefined;
  #timers: HrtimerCpu | undefined;
  #guest: CpuGuest | undefined;
  #hogs = 0;
  #online = true;
  readonly #ipis: Ipi[] = [];
  readonly #beforeTimers: (() => void)[] = [];
  /** Made once: an interrupt comes a thousand times a simulated second. */
  readonly #onTimer = (): void => this.#timerInterrupt();
  /** The CPU's periodic tick, where it has one. */
  tick: HostTick | undefined;

  constructor(engine: Engine, id: number, timer: EventTimer, trace?: CpuTrace) {
    this.id = id;
    this.name = `CPU ${id}`;
    this.#engine = engine;
    this.#timer = timer;
    this.#trace = trace;
    this.#trace?.runs("idle");
  }

  /** Gives the CPU its hrtimer base, which is made from the CPU's own device. */
  attach(timers: HrtimerCpu): void {
    this.#timers = timers;
  }

  get timers(): HrtimerCpu {
    if (this.#timers === undefined) throw new Error(`${this.name}: no hrtimer base attached`);
    return this.#timers;
  }

  get online(): boolean {
    return this.#online;
  }

  /** Whether it runs its idle task: no other work, and no thread of a guest that is awake (`idle_cpu`). */
  get idle(): boolean {
    return this.#hogs === 0 && this.#guest?.occupiesCpu !== true;
  }

  /** The vCPU whose thread runs here, asked to leave the guest when an interrupt comes. */
  get guest(): CpuGuest | undefined {
    return this.#guest;
  }

  get nextAt(): HostTsc | undefined {
    let at = this.#timer.fireAt;
    const ipi = this.#ipis[0]?.at;
    if (ipi !== undefined && (at === undefined || ipi < at)) at = ipi;
    const masked = this.#maskedUntil;
    return masked !== undefined && at !== undefined && at < masked ? masked : at;
  }

  program(expiresNs: MonotonicNs, force: ProgramForce): boolean {
    return this.#timer.program(expiresNs, force);
  }

  clockRateChanged(): void {
    this.#timer.rateChanged();
  }

  /** Interrupts are off here until `tsc`: what falls due meanwhile is taken then. */
  maskInterruptsUntil(tsc: HostTsc): void {
    this.#maskedUntil = tsc;
  }

  /** Another CPU's interrupt, taken here at `at`. */
  interruptAt(at: HostTsc, handle: () => void): void {
    const after = this.#ipis.findIndex((other) => other.at > at);
    this.#ipis.splice(after < 0 ? this.#ipis.length : after, 0, { at, handle });
  }

  /** Interrupts under way arrive on the new axis; its timers know their own instants. */
  moved(instant: (at: HostTsc) => HostTsc): void {
    this.#ipis.forEach(({ at, handle }, i) => {
      this.#ipis[i] = { at: instant(at), handle };
    });
    if (this.#maskedUntil !== undefined) this.#maskedUntil = instant(this.#maskedUntil);
  }

  /** `work` runs at every timer interrupt here before the timers are looked at. */
  beforeTimers(work: () => void): void {
    this.#beforeTimers.push(work);
  }

  /** Takes the interrupt that is due first. */
  run(): void {
    const fireAt = this.#timer.fireAt;
    const ipi = this.#ipis[0];
    const ipiFirst = ipi !== undefined && (fireAt === undefined || ipi.at < fireAt);
    if (ipiFirst) this.#ipis.shift();
    else this.#timer.fired();
    if (ipiFirst) this.takeInterrupt(ipi.handle, "ipi");
    else this.takeInterrupt(this.#onTimer, "timer");
  }

  /** An interrupt comes here now: the guest leaves, the handler runs, the guest's thread goes on. */
  takeInterrupt(handle: () => void, what: "timer" | "ipi"): void {
    const guest = this.#guest;
    const interrupted = guest?.leaveForInterrupt() ? guest : undefined;
    this.#trace?.interruptBegins(what);
    handle();
    this.#trace?.interruptEnds();
    interrupted?.continueAfterInterrupt();
  }

  #timerInterrupt(): void {
    const entered = this.#engine.now;
    for (const work of this.#beforeTimers) work();
    this.timers.interrupt();
    this.#guest?.interruptsWereOff({ cycles: this.#engine.now - entered, passes: this.timers.passes });
  }

  /**
   * A vCPU's thread comes to this CPU.
   *
   * @throws RangeError if the CPU is offline or runs another vCPU.
   */
  admit(guest: CpuGuest): void {
    if (!this.#online)
      throw new RangeError(`${guest.name}: expected an online CPU, got ${this.name}, offline`);
    if (this.#guest !== undefined && this.#guest !== guest) {
      throw new RangeError(`${guest.name}: expected a CPU of its own, got ${this.name}, taken`);
    }
    this.#guest = guest;
    this.occupancyChanged();
  }

  /** Its vCPU's thread left for another CPU. */
  dismiss(): void {
    this.#guest = undefined;
    this.occupancyChanged();
  }

  /** Other work starts here; a vCPU's thread on this CPU must be stopped by whoever brings the work. */
  startHog(): void {
    this.#hogs += 1;
    this.occupancyChanged();
  }

  stopHog(): void {
    this.#hogs -= 1;
    this.occupancyChanged();
  }

  /** Something began or ended to run here: an idle CPU may stop its tick. */
  occupancyChanged(): void {
    if (this.#trace !== undefined) this.#tellOccupant(this.#trace);
    this.tick?.occupancyChanged(this.idle ? "idle" : "busy");
  }

  #tellOccupant(trace: CpuTrace): void {
    if (this.#guest?.occupiesCpu === true) trace.runs("vcpu", this.#guest.id);
    else trace.runs(this.idle ? "idle" : "work");
  }

  /** The CPU goes down: no interrupt is taken any more. Its timers and threads were moved before. */
  goOffline(): void {
    this.#online = false;
    this.#timer.fired();
    this.#ipis.length = 0;
  }

  goOnline(): void {
    this.#online = true;
  }
}
