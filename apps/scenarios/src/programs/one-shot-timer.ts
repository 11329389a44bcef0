import { type GuestCpu, type GuestProgram, X2APIC_TMICT } from "../machine/guest/guest.js";
import { setUpTimer } from "./local-apic.js";
import { isBefore, tscAfter } from "./tsc-order.js";

/** Mode bits 18:17 of the LVT timer: one-shot. */
const LVTT_ONE_SHOT = 0;

export interface OneShotTimerOptions {
  /** How often the timer is armed. */
  readonly arms: number;
  /** Initial count: the distance in bus cycles. */
  readonly count: number;
  /** Guest cycles from the end of one timer's handler to the arming of the next, drawn anew each time. */
  readonly pauseCycles: () => bigint;
  /** Between arming and the interrupt the guest runs, or halts. */
  readonly waits: "spins" | "halts";
  /** Called after each interrupt. */
  readonly onTick?: (tick: number) => void;
}

/** A guest that arms a one-shot LAPIC timer again and again, and does nothing but wait for it. */
export function* oneShotTimer(cpu: GuestCpu, options: OneShotTimerOptions): GuestProgram {
  setUpTimer(cpu, LVTT_ONE_SHOT);
  for (let tick = 1; tick <= options.arms; tick++) {
    const restUntil = tscAfter(cpu.rdtsc(), options.pauseCycles());
    while (isBefore(cpu.rdtsc(), restUntil)) yield cpu.run(restUntil);
    cpu.wrmsr(X2APIC_TMICT, options.count);
    let vector: number | undefined;
    while (vector === undefined) vector = yield options.waits === "halts" ? cpu.halt() : cpu.run();
    cpu.eoi();
    options.onTick?.(tick);
  }
}
