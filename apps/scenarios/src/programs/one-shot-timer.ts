import {
  type GuestCpu,
  type GuestProgram,
  SVR_APIC_ENABLED,
  X2APIC_LVTT,
  X2APIC_SVR,
  X2APIC_TDCR,
  X2APIC_TMICT,
} from "../machine/guest.js";

/** LOCAL_TIMER_VECTOR of a Linux guest. */
const TIMER_VECTOR = 0xec;
/** TDCR value for dividing by 1. */
const DIVIDE_BY_1 = 0xb;

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
  cpu.wrmsr(X2APIC_SVR, SVR_APIC_ENABLED | 0xff);
  cpu.wrmsr(X2APIC_TDCR, DIVIDE_BY_1);
  cpu.wrmsr(X2APIC_LVTT, TIMER_VECTOR);
  for (let tick = 1; tick <= options.arms; tick++) {
    const restUntil = (cpu.rdtsc() + options.pauseCycles()) as ReturnType<GuestCpu["rdtsc"]>;
    while (cpu.rdtsc() < restUntil) yield cpu.run(restUntil);
    cpu.wrmsr(X2APIC_TMICT, options.count);
    let vector: number | undefined;
    while (vector === undefined) vector = yield options.waits === "halts" ? cpu.halt() : cpu.run();
    cpu.eoi();
    options.onTick?.(tick);
  }
}
