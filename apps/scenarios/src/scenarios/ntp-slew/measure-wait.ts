import type { GuestTsc } from "@chronovisor/clocksource";
import { steerTo } from "../../machine/host/steer.js";
import type { LapicMachine } from "../../machine/lapic-machine.js";
import { deadlineTimer } from "../../programs/deadline-timer.js";
import { nestedTimer } from "../../programs/nested-timer.js";
import type { RunContext } from "../../scenario/types.js";
import { slewChanges, type WaitCase } from "./cases.js";
import { buildSlewMachine } from "./machine.js";
import type { NtpSlewParams } from "./params.js";

/** What became of one wait. */
export interface WaitOutcome {
  /** From the deadline to the expiry, ps of true time; negative is early. Undefined: it never expired. */
  readonly errorPs: bigint | undefined;
  /** Callbacks it took. */
  readonly callbacks: number;
}

/** One wait on a machine: how long, from when, and what the guest does meanwhile. */
export interface Wait {
  readonly armNs: bigint;
  readonly cycles: bigint;
  readonly waits: "spins" | "halts";
  /** It is given up so long after it was armed. */
  readonly watchedNs: bigint;
}

/** A wait is given up at twice its length and some ticks: a clock slewed by all that adjtimex allows needs less than 1.2. */
const PATIENCE_FACTOR = 2n;
const PATIENCE_NS = 100_000_000n;
/** Cycles of one step of the preemption timer that L1 sees. */
const NESTED_STEP_CYCLES = 32n;

/** Runs one case on a machine of its own. */
export function measureWait(context: RunContext<NtpSlewParams>, wait: WaitCase): WaitOutcome {
  const { params } = context;
  const machine = buildSlewMachine(context, {
    slewPpb: BigInt(wait.slew) * params.slew,
    device: wait.device,
    ticks: wait.ticks,
    advance: wait.victim === "lapic" ? params.advance : "off",
  });
  const { host } = machine;
  if (slewChanges(wait)) {
    host.timeline.add({
      at: host.tscAt(params.armAfter + params.changeAt),
      name: "the slew changes",
      act: () => steerTo(host.clock.timekeeper, BigInt(wait.later) * params.slew),
    });
  }
  const waitNs = slewChanges(wait) ? params.longWait : params.wait;
  const measure = wait.victim === "lapic" ? waitLapic : waitNested;
  return measure(machine, {
    armNs: params.armAfter,
    cycles: host.cycles(waitNs),
    waits: wait.waits,
    watchedNs: waitNs * PATIENCE_FACTOR + PATIENCE_NS,
  });
}

/** One TSC deadline. */
export function waitLapic({ host, vcpu }: LapicMachine, wait: Wait): WaitOutcome {
  let error: bigint | undefined;
  vcpu.apic.observer.onDeadline = (cycles) => {
    error ??= cycles;
  };
  vcpu.start("TSC deadline", (cpu) =>
    deadlineTimer(cpu, {
      armAt: host.tscAt(wait.armNs) as bigint as GuestTsc,
      waitCycles: wait.cycles,
      times: 1,
      waits: wait.waits,
    }),
  );
  host.engine.runUntilDone(() => error !== undefined, host.tscAt(wait.armNs + wait.watchedNs));
  return {
    errorPs: error === undefined ? undefined : host.picoseconds(error),
    callbacks: vcpu.counters.cb,
  };
}

/** One stay of L2 under a preemption timer. */
export function waitNested({ host, vcpu }: LapicMachine, wait: Wait): WaitOutcome {
  let error: bigint | undefined;
  vcpu.timers.nested.onExit = ({ leftCycles }) => {
    error ??= leftCycles;
  };
  vcpu.start("nested preemption timer", (cpu) =>
    nestedTimer(cpu, {
      enterAt: host.tscAt(wait.armNs) as bigint as GuestTsc,
      ticks: Number(wait.cycles / NESTED_STEP_CYCLES),
      times: 1,
      l2: wait.waits,
    }),
  );
  host.engine.runUntilDone(() => error !== undefined, host.tscAt(wait.armNs + wait.watchedNs));
  return {
    errorPs: error === undefined ? undefined : host.picoseconds(error),
    callbacks: vcpu.timers.nested.callbacks,
  };
}
