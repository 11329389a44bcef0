import type { GuestTsc } from "@chronovisor/clocksource";
import { steerTo } from "../../machine/host/steer.js";
import { deadlineTimer } from "../../programs/deadline-timer.js";
import type { RunContext, Series } from "../../scenario/types.js";
import { magnitude } from "../../units/magnitude.js";
import { buildSlewMachine } from "./machine.js";
import type { NtpSlewParams } from "./params.js";

/** Deadlines under the slew, and as many after it: the advance moves by an eighth of what it is off each time. */
export const DEADLINES = 40;

/** How the timer advance followed the slew, and what it was worth once the slew had ended (§S2.e). */
export interface AdvanceOutcome {
  /** ns, at the end of the slow slew, and as long after it. */
  readonly settledNs: bigint;
  readonly afterNs: bigint;
  /** Largest error of a deadline the guest saw after the slew ended, ps: negative is early. */
  readonly worstAfterPs: bigint;
  /** The advance after each deadline. */
  readonly advances: Series["points"];
  /** Guest cycles each deadline was found off by, before the wait that the advance pays for. */
  readonly deltas: readonly bigint[];
}

/** Arms short deadlines one after the other with the adaptive advance on: under a slow clock, then without a slew. */
export function tuneAdvance(context: RunContext<NtpSlewParams>): AdvanceOutcome {
  const { params } = context;
  const machine = buildSlewMachine(context, {
    slewPpb: -params.slew,
    device: "ideal",
    ticks: "no",
    advance: "on",
    exitCost: 0n,
  });
  const { host, vcpu } = machine;
  const advances: [bigint, bigint][] = [];
  const deltas: bigint[] = [];
  let tuned = { ns: 0, delta: 0n };
  vcpu.apic.observer.onTune = (ns, delta) => {
    tuned = { ns, delta };
  };
  let worst = 0n;
  vcpu.start("short deadlines", (cpu) =>
    deadlineTimer(cpu, {
      armAt: host.tscAt(params.armAfter) as bigint as GuestTsc,
      waitCycles: host.cycles(params.advanceWait),
      times: 2 * DEADLINES,
      waits: "halts",
      onInterrupt: (error) => {
        advances.push([host.trueNs(host.engine.now), BigInt(tuned.ns)]);
        deltas.push(tuned.delta);
        if (deltas.length === DEADLINES) steerTo(host.clock.timekeeper, 0n);
        if (deltas.length > DEADLINES && magnitude(error) > magnitude(worst)) worst = error;
      },
    }),
  );
  const longestNs = params.armAfter + 4n * BigInt(2 * DEADLINES) * params.advanceWait;
  host.engine.runUntilDone(() => deltas.length === 2 * DEADLINES, host.tscAt(longestNs));
  return {
    settledNs: advances[DEADLINES - 1]?.[1] ?? 0n,
    afterNs: advances.at(-1)?.[1] ?? 0n,
    worstAfterPs: host.picoseconds(worst),
    advances,
    deltas,
  };
}
