import type { GuestTsc } from "@chronovisor/clocksource";
import type { LapicMachine } from "../../machine/lapic-machine.js";
import { steerTo } from "../../machine/steer.js";
import { deadlineTimer } from "../../programs/deadline-timer.js";
import { nestedTimer } from "../../programs/nested-timer.js";
import type { RunContext } from "../../scenario/types.js";
import type { WaitCase } from "./cases.js";
import { buildSlewMachine } from "./machine.js";
import type { NtpSlewParams } from "./params.js";

/** What became of one wait. */
export interface WaitOutcome {
  /** From the deadline to the expiry, ps of true time; negative is early. Undefined: it never expired. */
  readonly errorPs: bigint | undefined;
  /** Callbacks it took. */
  readonly callbacks: number;
  /** Times the backend was armed. */
  readonly arms: number;
}

/** A wait is given up this much after its deadline: twice as late as a clock at half speed would make it. */
const PATIENCE_FACTOR = 4n;

/** Host cycles of `ns`, a multiple of 32 for the nested timer, whose ticks they are. */
function ticksOf(cycles: bigint): number {
  return Number(cycles / 32n);
}

/** Runs one case on a machine of its own. */
export function measureWait(context: RunContext<NtpSlewParams>, wait: WaitCase): WaitOutcome {
  const { params } = context;
  const slewPpb = BigInt(wait.slew) * params.slew;
  const machine = buildSlewMachine(context, {
    slewPpb,
    device: wait.device,
    ticks: wait.ticks,
    advance: wait.victim === "lapic" ? params.advance : "off",
  });
  const changes = wait.later !== wait.slew;
  const waitNs = changes ? params.longWait : params.wait;
  const { host } = machine;
  if (changes) {
    host.timeline.add({
      at: host.tscAt(params.armAfter + params.changeAt),
      name: "the slew changes",
      act: () => steerTo(host.clock.timekeeper, BigInt(wait.later) * params.slew),
    });
  }
  const outcome = wait.victim === "lapic" ? waitLapic : waitNested;
  return outcome(machine, params.armAfter, waitNs, wait.waits);
}

/** One TSC deadline, `waitNs` after `armNs`, watched for `watchedNs` from there. */
export function waitLapic(
  { host, vcpu }: LapicMachine,
  armNs: bigint,
  waitNs: bigint,
  waits: "spins" | "halts",
  watchedNs: bigint = waitNs * PATIENCE_FACTOR,
): WaitOutcome {
  let error: bigint | undefined;
  vcpu.apic.observer.onDeadline = (cycles) => {
    error ??= cycles;
  };
  vcpu.start("TSC deadline", (cpu) =>
    deadlineTimer(cpu, {
      armAt: host.tscAt(armNs) as bigint as GuestTsc,
      waitCycles: host.cycles(waitNs),
      times: 1,
      waits,
    }),
  );
  host.engine.runUntilDone(() => error !== undefined, host.tscAt(armNs + watchedNs));
  const { cb: callbacks, restarts: arms } = vcpu.counters;
  return { errorPs: error === undefined ? undefined : host.picoseconds(error), callbacks, arms };
}

/** One stay of L2 under a preemption timer of `waitNs`. */
function waitNested(
  { host, vcpu }: LapicMachine,
  armNs: bigint,
  waitNs: bigint,
  waits: "spins" | "halts",
): WaitOutcome {
  let error: bigint | undefined;
  vcpu.nested.onExit = ({ leftCycles }) => {
    error ??= leftCycles;
  };
  vcpu.start("nested preemption timer", (cpu) =>
    nestedTimer(cpu, {
      enterAt: host.tscAt(armNs) as bigint as GuestTsc,
      ticks: ticksOf(host.cycles(waitNs)),
      times: 1,
      l2: waits,
    }),
  );
  host.engine.runUntilDone(() => error !== undefined, host.tscAt(armNs + waitNs * PATIENCE_FACTOR));
  const { callbacks, compensations } = vcpu.nested;
  return {
    errorPs: error === undefined ? undefined : host.picoseconds(error),
    callbacks,
    arms: 1 + compensations,
  };
}
