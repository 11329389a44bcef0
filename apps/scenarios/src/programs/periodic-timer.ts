import type { GuestTsc } from "@chronovisor/clocksource";
import { type GuestCpu, type GuestProgram, LVTT_PERIODIC, X2APIC_TMICT } from "../machine/guest.js";
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

function* handleTick(cpu: GuestCpu, handlerNs: bigint): GuestProgram {
  if (handlerNs > 0n) yield cpu.work(handlerNs);
  cpu.eoi();
}

/** Halts between ticks until `until`, when something else ends the last halt. */
function* idle(cpu: GuestCpu, handlerNs: bigint, until?: GuestTsc): GuestProgram {
  while (until === undefined || isBefore(cpu.rdtsc(), until)) {
    const vector = yield cpu.halt();
    if (vector !== undefined) yield* handleTick(cpu, handlerNs);
  }
}

/** Runs, with interrupts on, until `until`; a handler under way then completes. */
function* running(cpu: GuestCpu, handlerNs: bigint, until?: GuestTsc): GuestProgram {
  while (until === undefined || isBefore(cpu.rdtsc(), until)) {
    const vector = yield cpu.run(until);
    if (vector !== undefined) yield* handleTick(cpu, handlerNs);
  }
}

/** Sets the timer going: enables the APIC, divides by 1, and starts the count. */
function armPeriodicTimer(cpu: GuestCpu, count: number): void {
  setUpTimer(cpu, LVTT_PERIODIC);
  cpu.wrmsr(X2APIC_TMICT, count);
}

/** Takes ticks for ever under a load. */
function* takeTicks(cpu: GuestCpu, options: LoadOptions): GuestProgram {
  const { handlerNs, load } = options;
  if (load === "idle") yield* idle(cpu, handlerNs);
  if (load === "running") yield* running(cpu, handlerNs);
  for (let half = 0; ; half++) {
    const idles = (half % 2 === 0) === (options.first === "idle");
    if (idles) yield* idle(cpu, handlerNs, options.halfEnds(half));
    else yield* running(cpu, handlerNs, options.halfEnds(half));
  }
}

/** A guest whose only clock is a periodic LAPIC timer: sets it once, then takes its ticks under the given load. */
export function* periodicTimer(cpu: GuestCpu, options: PeriodicTimerOptions): GuestProgram {
  armPeriodicTimer(cpu, options.count);
  yield* takeTicks(cpu, options);
}

/** The same, but running up to its first tick, so that the preemption timer serves it then. */
export function* periodicTimerRunningFirst(cpu: GuestCpu, options: PeriodicTimerOptions): GuestProgram {
  armPeriodicTimer(cpu, options.count);
  yield cpu.run();
  yield* handleTick(cpu, options.handlerNs);
  yield* takeTicks(cpu, options);
}
