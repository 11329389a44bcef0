import { CPU_RUNS } from "../event-fields.js";
import type { HostEvent } from "../events.js";
import { StateVariable, type VcdStrings } from "./state-variable.js";
import type { Bit, VcdFile, VcdVariable } from "./vcd-file.js";

type CpuEvent = Extract<HostEvent, { kind: "cpu-runs" | "irq-begin" | "irq-end" }>;

/** What one CPU of the host shows on wires: what it runs, and whether it is in an interrupt. */
export class CpuSignals {
  readonly #runs: StateVariable;
  readonly #irq: VcdVariable<Bit>;

  /** Declares the variables in the scope that is open. */
  constructor(file: VcdFile, strings: VcdStrings) {
    this.#runs = new StateVariable(file, "runs", strings);
    this.#irq = file.bit("irq");
  }

  take(event: CpuEvent): void {
    if (event.kind === "cpu-runs") this.#runs.set(cpuRunsWord(event), cpuRunsNumber(event));
    else this.#irq.set(event.kind === "irq-begin" ? "1" : "0");
  }
}

type CpuRuns = Pick<Extract<HostEvent, { kind: "cpu-runs" }>, "what" | "vcpu">;

/** What a CPU runs, in a word: `idle`, `work`, `vcpu0`. */
export function cpuRunsWord({ what, vcpu }: CpuRuns): string {
  return what === "vcpu" ? `vcpu${vcpu ?? 0}` : what;
}

/** What a CPU runs, as a number: 0 idle, 1 work, from 2 on a vCPU. */
export function cpuRunsNumber({ what, vcpu }: CpuRuns): number {
  return CPU_RUNS.words[what] + (what === "vcpu" ? (vcpu ?? 0) : 0);
}
