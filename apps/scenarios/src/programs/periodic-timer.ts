import type { GuestTsc } from "@chronovisor/clocksource";
import {
  type GuestCpu,
  type GuestOp,
  type GuestProgram,
  LVTT_PERIODIC,
  X2APIC_TMICT,
} from "../machine/guest/guest.js";
import { setUpTimer } from "./local-apic.js";
import { isBefore } from "./tsc-order.js";

export type Load = "idle" | "alternating" | "running";

export interface LoadOptions {
  /** Time the tick's handler takes, from acknowledge to end of interrupt. */
  readonly handlerNs: bigint;
  readonly load: Load;
  /** Which half comes first when the load alternates. */
  readonly first: "idle" | "running";
  /** Guest TSC at which half number `index` ends, when the load alternates. */
  readonly halfEnds: (index: number) => GuestTsc;
}

export interface PeriodicTimerOptions extends LoadOptions {
  /** Initial count: the period in bus cycles. */
  readonly count: number;
}

/**
 * Sets the timer going (enables the APIC, divides by 1, starts the count) and takes its ticks for ever. One generator, and
 * nothing delegated: what a `yield*` or a generator per tick costs, every tick of a run would pay, a quarter of a µs in all.
 *
 * @param firstWait - how it waits for its first tick, where that is not as its load says.
 */
function* takeTicks(cpu: GuestCpu, options: PeriodicTimerOptions, firstWait?: () => GuestOp): GuestProgram {
  const { handlerNs, load, first, halfEnds } = options;
  setUpTimer(cpu, LVTT_PERIODIC);
  cpu.wrmsr(X2APIC_TMICT, options.count);
  // What yields the same each tick is made once: a conversion to cycles divides 128 bits.
  const handling = handlerNs > 0n ? cpu.work(handlerNs) : undefined;
  let wait = firstWait;
  for (let half = 0; ; half++) {
    const alternates = load === "alternating";
    const idles = alternates ? (half % 2 === 0) === (first === "idle") : load === "idle";
    const until = alternates ? halfEnds(half) : undefined;
    const asLoaded = idles ? () => cpu.halt() : () => cpu.run(until);
    // A tick's handling that outlasts the half is completed; something else ends a halt that does.
    while (until === undefined || isBefore(cpu.rdtsc(), until)) {
      const vector = yield (wait ?? asLoaded)();
      wait = undefined;
      if (vector === undefined) continue;
      if (handling !== undefined) yield handling;
      cpu.eoi();
    }
  }
}

/** A guest whose only clock is a periodic LAPIC timer: sets it once, then takes its ticks under the given load. */
export function periodicTimer(cpu: GuestCpu, options: PeriodicTimerOptions): GuestProgram {
  return takeTicks(cpu, options);
}

/** The same, but running up to its first tick, so that the preemption timer serves it then. */
export function periodicTimerRunningFirst(cpu: GuestCpu, options: PeriodicTimerOptions): GuestProgram {
  return takeTicks(cpu, options, () => cpu.run());
}
