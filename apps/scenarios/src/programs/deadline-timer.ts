import type { GuestTsc } from "@chronovisor/clocksource";
import {
  type GuestCpu,
  type GuestProgram,
  IA32_TSC_DEADLINE,
  LVTT_TSC_DEADLINE,
} from "../machine/guest/guest.js";
import { setUpTimer } from "./local-apic.js";
import { isBefore, tscAfter } from "./tsc-order.js";

export interface DeadlineTimerOptions {
  /** Guest TSC at which the first deadline is armed. */
  readonly armAt: GuestTsc;
  /** From arming to the deadline, guest cycles. */
  readonly waitCycles: bigint;
  /** How often. */
  readonly times: number;
  /** While it waits the guest runs, or halts. */
  readonly waits: "spins" | "halts";
  /** Called as the guest takes each interrupt: its TSC less the deadline. */
  readonly onInterrupt?: (errorCycles: bigint) => void;
}

/** A guest that arms TSC deadlines one after the other, and does nothing but wait for them. */
export function* deadlineTimer(cpu: GuestCpu, options: DeadlineTimerOptions): GuestProgram {
  setUpTimer(cpu, LVTT_TSC_DEADLINE);
  while (isBefore(cpu.rdtsc(), options.armAt)) yield cpu.run(options.armAt);
  for (let i = 0; i < options.times; i++) {
    const deadline = tscAfter(cpu.rdtsc(), options.waitCycles);
    cpu.wrmsr(IA32_TSC_DEADLINE, deadline);
    let vector: number | undefined;
    while (vector === undefined) vector = yield options.waits === "halts" ? cpu.halt() : cpu.run();
    options.onInterrupt?.(BigInt.asIntN(64, cpu.rdtsc() - deadline));
    cpu.eoi();
  }
}
