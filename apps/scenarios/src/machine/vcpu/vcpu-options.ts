import type { VcpuApicOptions } from "./vcpu-apic.js";
import type { VcpuClocks } from "./vcpu-clocks.js";

/** What leaving and entering a guest takes, in host cycles. */
export interface VcpuCosts {
  readonly exit: bigint;
  readonly entry: bigint;
  /** From an entry with the preemption timer at zero to the exit it forces. */
  readonly immediateExit: bigint;
  /** One hrtimer callback. */
  readonly callback: bigint;
  /** From a wake-up to the thread of a halted vCPU running again. */
  readonly wake: bigint;
  /** What an exit takes beyond `exit`, drawn anew for each; nothing by default. */
  readonly exitJitter?: () => bigint;
}

/** What a vCPU is made from, its APIC included. */
export interface VcpuOptions extends VcpuApicOptions {
  readonly id: number;
  readonly costs: VcpuCosts;
  /** Whether a halted guest's tick brings the preemption timer back, or only an unrelated wake-up does. */
  readonly idleModel: "reentry" | "software";
  /** Host cycles that a halting vCPU polls before its thread sleeps: a wake-up meanwhile costs nothing. */
  readonly haltPoll: bigint;
  /** Its TSC and kvmclock as a VM keeps them; without, its TSC is `tsc` and stays so. */
  readonly clocks?: VcpuClocks;
}
