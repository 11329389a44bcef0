import type { GuestTsc, HostTsc } from "@chronovisor/clocksource";
import {
  APIC_EOI,
  APIC_ICR,
  APIC_LVTT,
  APIC_SELF_IPI,
  APIC_SPIV,
  APIC_TASKPRI,
  APIC_TDCR,
  APIC_TMCCT,
  APIC_TMICT,
  MSR_IA32_TSC_DEADLINE,
  x2apicMsr,
} from "@chronovisor/lapic";
import { LivelockError } from "../engine/engine.js";

/** Calls a guest may make without letting time pass before it is declared stuck. */
export const ACCESSES_WITHOUT_TIME = 1_000_000;

/** What a guest does next that takes time. Made by {@link GuestCpu}. */
export type GuestOp =
  | { readonly kind: "halt" }
  | { readonly kind: "run"; readonly untilTsc: GuestTsc | undefined }
  | { readonly kind: "work"; readonly cycles: bigint }
  | { readonly kind: "l2"; readonly ticks: number; readonly l2: "spins" | "halts" };

/** Whether a vCPU that does this has nothing to execute until something wakes it. */
export function waits(op: GuestOp): boolean {
  return op.kind === "halt" || (op.kind === "l2" && op.l2 === "halts");
}

/** A guest: yields what it does, receives the vector of the interrupt it took, or undefined when the time was up. */
export type GuestProgram = Generator<GuestOp, void, number | undefined>;

/** What the vCPU offers its guest; {@link GuestCpu} is the guest's own view of it. */
export interface GuestPort {
  wrmsr(msr: number, value: bigint): "ok" | "fault";
  rdmsr(msr: number): bigint | undefined;
  rdtsc(): GuestTsc;
  note(text: string): void;
  cyclesOf(ns: bigint): bigint;
  readonly now: HostTsc;
}

/** What a start-up message makes a vCPU run. */
export interface StartUpCode {
  readonly name: string;
  readonly program: (cpu: GuestCpu) => GuestProgram;
}

export {
  LVT_MASKED as LVTT_MASKED,
  LVTT_PERIODIC,
  LVTT_TSC_DEADLINE,
  SVR_APIC_ENABLED,
} from "@chronovisor/lapic";

/** Task priority: vectors of its class and below wait. */
export const X2APIC_TPR: number = x2apicMsr(APIC_TASKPRI);
/** End of interrupt, write only. */
export const X2APIC_EOI: number = x2apicMsr(APIC_EOI);
/** Spurious interrupt vector; bit 8 enables the APIC. */
export const X2APIC_SVR: number = x2apicMsr(APIC_SPIV);
/** Interrupt command: a write of its 64 bits sends. */
export const X2APIC_ICR: number = x2apicMsr(APIC_ICR);
/** LVT timer: vector, mask, mode. */
export const X2APIC_LVTT: number = x2apicMsr(APIC_LVTT);
/** Initial count. */
export const X2APIC_TMICT: number = x2apicMsr(APIC_TMICT);
/** Current count, read only. */
export const X2APIC_TMCCT: number = x2apicMsr(APIC_TMCCT);
/** Divide configuration. */
export const X2APIC_TDCR: number = x2apicMsr(APIC_TDCR);
/** Sends its vector to the processor itself, write only. */
export const X2APIC_SELF_IPI: number = x2apicMsr(APIC_SELF_IPI);
/** Guest TSC at which a timer in deadline mode expires. */
export const IA32_TSC_DEADLINE: number = MSR_IA32_TSC_DEADLINE;

/**
 * The processor as a guest program sees it. An access takes effect at once and its exit costs time before the guest's
 * next instruction; `halt`, `run` and `work` are what takes time, and are yielded.
 *
 * A program takes one interrupt at a time: from acknowledging it until its next `halt` or `run` interrupts are off. A
 * vector that waits by then is taken in the same instant.
 *
 * @example
 * const port = { wrmsr: () => "ok", rdmsr: () => 5n, rdtsc: () => 7n, note() {}, cyclesOf: (ns) => 3n * ns, now: 0n };
 * const guest = new GuestCpu(port, "sketch");
 * guest.rdtsc() // => 7n
 * guest.work(1_000n) // => { kind: 'work', cycles: 3000n }
 */
export class GuestCpu {
  readonly #port: GuestPort;
  readonly #name: string;
  #accesses = 0;

  constructor(port: GuestPort, name: string) {
    this.#port = port;
    this.#name = name;
  }

  /** Writes a model-specific register; "fault" is #GP, and nothing was written. */
  wrmsr(msr: number, value: bigint | number): "ok" | "fault" {
    this.#count();
    return this.#port.wrmsr(msr, BigInt(value));
  }

  /** Reads a model-specific register; undefined is #GP. */
  rdmsr(msr: number): bigint | undefined {
    this.#count();
    return this.#port.rdmsr(msr);
  }

  rdtsc(): GuestTsc {
    this.#count();
    return this.#port.rdtsc();
  }

  eoi(): void {
    this.wrmsr(X2APIC_EOI, 0n);
  }

  note(text: string): void {
    this.#count();
    this.#port.note(text);
  }

  /** STI; HLT: waits for an interrupt and returns its vector. */
  halt(): GuestOp {
    this.#accesses = 0;
    return HALT;
  }

  /** Runs with interrupts on until one comes, or until the guest TSC reads `untilTsc`. */
  run(untilTsc?: GuestTsc): GuestOp {
    this.#accesses = 0;
    return { kind: "run", untilTsc };
  }

  /** Runs for `ns` of the processor's time with interrupts off, as a handler does. */
  work(ns: bigint): GuestOp {
    this.#accesses = 0;
    return { kind: "work", cycles: this.#port.cyclesOf(ns) };
  }

  /**
   * Enters a guest of its own that does nothing but spin, or halt, until its VMX preemption timer exits: `ticks` units of
   * 32 cycles.
   */
  enterNested(ticks: number, l2: "spins" | "halts"): GuestOp {
    this.#accesses = 0;
    return { kind: "l2", ticks, l2 };
  }

  #count(): void {
    this.#accesses += 1;
    if (this.#accesses > ACCESSES_WITHOUT_TIME) {
      throw new LivelockError(
        `guest program ${this.#name}`,
        `made ${ACCESSES_WITHOUT_TIME} accesses without yielding, at host TSC ${this.#port.now}`,
      );
    }
  }
}

const HALT: GuestOp = { kind: "halt" };
