import type { GuestTsc, HostTsc } from "@chronovisor/clocksource";
import { LivelockError } from "../engine/engine.js";
import { GuestCpu, type GuestOp, type GuestPort, type GuestProgram } from "./guest.js";

const HALTED_FOR_GOOD: GuestOp = { kind: "halt" };

/** Guest steps taken at one instant before its program is declared stuck. */
const STEPS_WITHOUT_TIME = 1_000_000;

/** A guest's program and how far it has come: what survives an exit. */
export class GuestContext {
  #program: GuestProgram | undefined;
  #name = "";
  #op: GuestOp = HALTED_FOR_GOOD;
  /** Host TSC at which the operation is over, while the guest runs. */
  #endsAt: HostTsc | undefined;
  #workLeft = 0n;
  /** Taken by the guest but not yet acted on: it has executed no instruction since. */
  #delivered: number | undefined;
  #interruptsOn = false;
  #steps = 0;
  #stepsAt: HostTsc | undefined;
  /** The guest has an instruction to execute now. */
  ready = false;

  start(name: string, port: GuestPort, program: (cpu: GuestCpu) => GuestProgram): void {
    this.#name = name;
    this.#program = program(new GuestCpu(port, name));
    this.ready = true;
  }

  /** It is as before {@link start}: halted with interrupts off. */
  reset(): void {
    this.#program = undefined;
    this.#op = HALTED_FOR_GOOD;
    this.#endsAt = undefined;
    this.#delivered = undefined;
    this.#interruptsOn = false;
    this.ready = false;
  }

  /** What it is doing. */
  get op(): GuestOp {
    return this.#op;
  }

  get endsAt(): HostTsc | undefined {
    return this.#endsAt;
  }

  /** Whether it has executed an instruction since it last took an interrupt, and has interrupts on. */
  get takesInterrupts(): boolean {
    return this.#interruptsOn && this.#delivered === undefined;
  }

  get interruptsOn(): boolean {
    return this.#interruptsOn;
  }

  get hasDelivered(): boolean {
    return this.#delivered !== undefined;
  }

  /** It has an instruction to execute, and a program left to take it from. */
  get runnable(): boolean {
    return this.ready && this.#program !== undefined;
  }

  /** It took the interrupt `vector`: interrupts are off until its next `halt` or `run`. */
  take(vector: number): void {
    this.#delivered = vector;
    this.#interruptsOn = false;
    this.ready = true;
  }

  /**
   * Runs the program to its next yield. A program that returns has halted with interrupts off: nothing wakes it.
   *
   * @throws LivelockError for one that yields without letting time pass.
   */
  step(now: HostTsc): GuestOp {
    if (now !== this.#stepsAt) {
      this.#stepsAt = now;
      this.#steps = 0;
    } else if (++this.#steps > STEPS_WITHOUT_TIME) {
      throw new LivelockError(
        `guest program ${this.#name}`,
        `yielded ${STEPS_WITHOUT_TIME} times without time passing, at host TSC ${now}`,
      );
    }
    const vector = this.#delivered;
    this.#delivered = undefined;
    this.ready = false;
    const step = this.#program?.next(vector);
    if (step === undefined || step.done === true) this.reset();
    else {
      this.#op = step.value;
      this.#workLeft = this.#op.kind === "work" ? this.#op.cycles : 0n;
      this.#interruptsOn = this.#op.kind !== "work";
    }
    return this.#op;
  }

  /** The guest runs again: sets when its operation is over. `firstTscAt` answers for guest TSC values. */
  resume(now: HostTsc, firstTscAt: (guest: GuestTsc) => HostTsc): void {
    const op = this.#op;
    if (op.kind === "work") this.#endsAt = (now + this.#workLeft) as HostTsc;
    else this.#endsAt = op.kind === "run" && op.untilTsc !== undefined ? firstTscAt(op.untilTsc) : undefined;
  }

  /** The guest leaves: what is left of its work waits. */
  leave(now: HostTsc): void {
    if (this.#op.kind === "work" && this.#endsAt !== undefined) {
      this.#workLeft = this.#endsAt > now ? this.#endsAt - now : 0n;
    }
    this.#endsAt = undefined;
  }
}
