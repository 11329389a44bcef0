import type { Teller } from "./traced-machine.js";

/** What one CPU tells: what it runs, and the interrupts it takes. */
export class CpuTrace {
  readonly #trace: Teller;
  readonly #cpu: number;
  #what: "idle" | "work" | "vcpu" | undefined;
  #vcpu: number | undefined;

  constructor(trace: Teller, cpu: number) {
    this.#trace = trace;
    this.#cpu = cpu;
  }

  /** A vCPU's thread runs from now on, or other work, or nothing. */
  runs(what: "idle" | "work" | "vcpu", vcpu?: number): void {
    if (what === this.#what && vcpu === this.#vcpu) return;
    this.#what = what;
    this.#vcpu = vcpu;
    const event = { kind: "cpu-runs", at: this.#trace.now, cpu: this.#cpu, what } as const;
    this.#trace.emit(vcpu === undefined ? event : { ...event, vcpu });
  }

  interruptBegins(what: "timer" | "ipi"): void {
    this.#trace.emit({ kind: "irq-begin", at: this.#trace.now, cpu: this.#cpu, what });
  }

  interruptEnds(): void {
    this.#trace.emit({ kind: "irq-end", at: this.#trace.now, cpu: this.#cpu });
  }
}
