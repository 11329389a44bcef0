import type { GuestTsc } from "@chronovisor/clocksource";
import type { GuestCpu, GuestProgram } from "../machine/guest/guest.js";
import { isBefore } from "./tsc-order.js";

export interface NestedTimerOptions {
  /** Guest TSC at which L2 is first entered. */
  readonly enterAt: GuestTsc;
  /** What L1 writes into L2's preemption timer: units of 32 cycles. */
  readonly ticks: number;
  /** How often; undefined: until the run ends. */
  readonly times: number | undefined;
  /** While the timer runs L2 spins, or halts. */
  readonly l2: "spins" | "halts";
}

/** An L1 that runs an L2 under a preemption timer, again and again, as the test of the report does. */
export function* nestedTimer(cpu: GuestCpu, options: NestedTimerOptions): GuestProgram {
  while (isBefore(cpu.rdtsc(), options.enterAt)) yield cpu.run(options.enterAt);
  for (let i = 0; options.times === undefined || i < options.times; i++) {
    yield cpu.enterNested(options.ticks, options.l2);
  }
}
