import type { HostTsc, MonotonicNs } from "@chronovisor/clocksource";
import type { EventDevice, HrtimerCpu, ProgramForce } from "@chronovisor/hrtimer";
import { KTIME_MAX } from "@chronovisor/hrtimer";
import type { Engine, EventSource } from "./engine.js";
import type { FixedRateClock } from "./fixed-rate-clock.js";
import type { InterruptedGuest } from "./vcpu-thread.js";

/** What a host CPU was seen doing with interrupts off. */
export interface InterruptSection {
  /** From taking the timer interrupt to its return. */
  readonly cycles: bigint;
  /** Passes of the expiry loop it took. */
  readonly passes: number;
}

/**
 * One host CPU: its clock event device and the timer interrupt it raises.
 *
 * The device is ideal but for its minimum: it fires at the first cycle at which CLOCK_MONOTONIC reads the programmed
 * instant, and a past or nearer instant fires one minimum later (docs/model/scenarios-lapic §S000.0, §S004).
 */
export class HostCpu implements EventSource, EventDevice {
  readonly name: string;
  readonly #engine: Engine;
  readonly #clock: FixedRateClock;
  readonly #minDelta: bigint;
  #programmed: MonotonicNs | undefined;
  #fireAt: HostTsc | undefined;
  #maskedUntil: HostTsc | undefined;
  #timers: HrtimerCpu | undefined;
  /** The vCPU whose thread runs here, asked to leave the guest when an interrupt comes. */
  guest: InterruptedGuest | undefined;
  /** Told of every timer interrupt after it. */
  onInterrupt: ((section: InterruptSection) => void) | undefined;

  constructor(engine: Engine, clock: FixedRateClock, id: number, minDeltaCycles: bigint) {
    this.name = `CPU ${id}`;
    this.#engine = engine;
    this.#clock = clock;
    this.#minDelta = minDeltaCycles;
  }

  /** Gives the CPU its hrtimer base, which is made from the CPU's own device. */
  attach(timers: HrtimerCpu): void {
    this.#timers = timers;
  }

  get timers(): HrtimerCpu {
    if (this.#timers === undefined) throw new Error(`${this.name}: no hrtimer base attached`);
    return this.#timers;
  }

  get nextAt(): HostTsc | undefined {
    const masked = this.#maskedUntil;
    if (masked !== undefined && this.#fireAt !== undefined && this.#fireAt < masked) return masked;
    return this.#fireAt;
  }

  program(expiresNs: MonotonicNs, force: ProgramForce): boolean {
    if (expiresNs === KTIME_MAX) {
      this.#programmed = undefined;
      this.#fireAt = undefined;
      return true;
    }
    if (expiresNs <= this.#clock.monotonicNs()) {
      if (force !== "force") return false;
      this.#programmed = undefined;
      this.#fireAt = (this.#engine.now + this.#minDelta) as HostTsc;
      return true;
    }
    this.#programmed = expiresNs;
    this.#aim(expiresNs);
    return true;
  }

  /** An ideal device follows the clock: after a rate change it fires when the clock now says. */
  clockRateChanged(): void {
    if (this.#programmed !== undefined) this.#aim(this.#programmed);
  }

  #aim(expiresNs: MonotonicNs): void {
    const due = this.#clock.firstTscAt(expiresNs);
    const soonest = (this.#engine.now + this.#minDelta) as HostTsc;
    this.#fireAt = due < soonest ? soonest : due;
  }

  /** Interrupts are off here until `tsc`: what falls due meanwhile is taken then. */
  maskInterruptsUntil(tsc: HostTsc): void {
    this.#maskedUntil = tsc;
  }

  /** Takes the timer interrupt: the guest leaves, due timers run, the guest's thread goes on. */
  run(): void {
    this.#fireAt = undefined;
    this.#programmed = undefined;
    const interrupted = this.guest?.leaveForInterrupt() ? this.guest : undefined;
    const entered = this.#engine.now;
    this.timers.interrupt();
    this.onInterrupt?.({ cycles: this.#engine.now - entered, passes: this.timers.passes });
    interrupted?.continueAfterInterrupt();
  }
}
