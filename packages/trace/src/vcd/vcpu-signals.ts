import { VCPU_STATE } from "../event-fields.js";
import type { ClockEvent, TimerBackend, VcpuEvent } from "../events.js";
import { StateVariable, type VcdStrings } from "./state-variable.js";
import type { Bit, VcdFile, VcdVariable } from "./vcd-file.js";

/** An event of one vCPU. */
export type VcpuSignalEvent =
  | VcpuEvent
  | Extract<ClockEvent, { kind: "pvclock-update" | "tsc-offset" | "tsc-matched" }>;

const VECTORS = 256;

/** A register of one bit per vector: whether any is set, and the highest. */
class VectorRegister {
  readonly #any: VcdVariable<Bit>;
  readonly #highest: VcdVariable<bigint>;
  readonly #set = new Set<number>();

  constructor(file: VcdFile, name: string) {
    this.#any = file.bit(name);
    this.#highest = file.vector("wire", 8, `${name}_vector`);
  }

  raise(vector: number): void {
    this.#set.add(vector);
    this.#show();
  }

  clear(vector: number): void {
    this.#set.delete(vector);
    this.#show();
  }

  #show(): void {
    this.#any.set(this.#set.size > 0 ? "1" : "0");
    // Nothing is pending: the last vector stays shown, as the bit beside it says that it does not count.
    if (this.#set.size > 0) this.#highest.set(BigInt(Math.max(...this.#set)));
  }
}

/** What one vCPU shows on wires. */
export class VcpuSignals {
  readonly #fnName: string;
  readonly #state: StateVariable;
  readonly #inGuest: VcdVariable<Bit>;
  readonly #armed: VcdVariable<Bit>;
  readonly #hvTimer: VcdVariable<Bit>;
  readonly #deadline: VcdVariable<bigint>;
  readonly #irr: VectorRegister;
  readonly #isr: VectorRegister;
  readonly #tscOffset: VcdVariable<bigint>;
  readonly #pvclockVersion: VcdVariable<bigint>;
  readonly #exitReason: VcdVariable<string> | undefined;
  readonly #note: VcdVariable<string> | undefined;
  readonly #backends = new Set<TimerBackend>();

  /** Declares the variables in the scope that is open. `fnName` is whom a complaint names. */
  constructor(file: VcdFile, strings: VcdStrings, fnName: string) {
    this.#fnName = fnName;
    this.#state = new StateVariable(file, "state", strings);
    this.#inGuest = file.bit("in_guest");
    this.#armed = file.bit("armed");
    this.#hvTimer = file.bit("hv_timer");
    this.#deadline = file.vector("wire", 64, "deadline");
    this.#irr = new VectorRegister(file, "irr");
    this.#isr = new VectorRegister(file, "isr");
    this.#tscOffset = file.vector("wire", 64, "tsc_offset");
    this.#pvclockVersion = file.vector("wire", 32, "pvclock_version");
    this.#exitReason = strings === "on" ? file.string("exit_reason") : undefined;
    this.#note = strings === "on" ? file.string("note") : undefined;
  }

  take(event: VcpuSignalEvent): void {
    switch (event.kind) {
      case "vcpu-state":
        this.#state.set(event.state, VCPU_STATE.words[event.state]);
        this.#inGuest.set(event.state === "guest" ? "1" : "0");
        return;
      case "timer-armed":
        this.#deadline.set(event.deadline);
        this.#arm(event.backend);
        return;
      case "timer-disarmed":
        this.#disarm(event.backend);
        return;
      case "timer-expired":
        if (event.source === "callback") this.#disarm("hrtimer");
        if (event.source === "preemption-timer") this.#disarm("preemption-timer");
        return;
      case "inject":
        this.#irr.raise(this.#checked(event.vector));
        return;
      case "acknowledge":
        this.#irr.clear(this.#checked(event.vector));
        this.#isr.raise(event.vector);
        return;
      case "eoi":
        if (event.vector !== undefined) this.#isr.clear(this.#checked(event.vector));
        return;
      case "tsc-offset":
        this.#tscOffset.set(event.to);
        return;
      case "pvclock-update":
        this.#pvclockVersion.set(BigInt(event.version));
        return;
      case "vm-exit":
        this.#exitReason?.set(event.reason);
        return;
      case "note":
        this.#note?.set(event.text);
        return;
      default:
        // What has no wire: how often the timer ran, what woke the thread, what the kernel said.
        return;
    }
  }

  #arm(backend: TimerBackend): void {
    this.#backends.add(backend);
    this.#showArmed();
  }

  #disarm(backend: TimerBackend): void {
    this.#backends.delete(backend);
    this.#showArmed();
  }

  #showArmed(): void {
    this.#armed.set(this.#backends.size > 0 ? "1" : "0");
    this.#hvTimer.set(this.#backends.has("preemption-timer") ? "1" : "0");
  }

  #checked(vector: number): number {
    if (Number.isInteger(vector) && vector >= 0 && vector < VECTORS) return vector;
    throw new RangeError(`${this.#fnName}: expected a vector below ${VECTORS}, got ${vector}`);
  }
}
