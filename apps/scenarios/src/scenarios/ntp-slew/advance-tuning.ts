import type { GuestTsc } from "@chronovisor/clocksource";
import { steerTo } from "../../machine/steer.js";
import { deadlineTimer } from "../../programs/deadline-timer.js";
import type { RunContext, Table } from "../../scenario/types.js";
import { buildSlewMachine } from "./machine.js";
import type { NtpSlewParams } from "./params.js";

/** Deadlines under the slew, and as many after it: the advance moves by an eighth of what it is off each time. */
const DEADLINES = 40;

/** How the timer advance followed the slew, and what it was worth once the slew had ended (§S2.e). */
export interface AdvanceOutcome {
  /** ns, at the end of the slow slew, and as long after it. */
  readonly settledNs: number;
  readonly afterNs: number;
  /** Largest error of a deadline the guest saw after the slew ended, ps: negative is early. */
  readonly worstAfterPs: bigint;
  readonly table: Table;
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
  const rows: bigint[][] = [];
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
        const n = rows.length + 1;
        rows.push([BigInt(n), host.picoseconds(tuned.delta), BigInt(tuned.ns), host.picoseconds(error)]);
        if (n === DEADLINES) steerTo(host.clock.timekeeper, 0n);
        if (n > DEADLINES && abs(error) > abs(worst)) worst = error;
      },
    }),
  );
  const longestNs = params.armAfter + 4n * BigInt(2 * DEADLINES) * params.advanceWait;
  host.engine.runUntilDone(() => rows.length === 2 * DEADLINES, host.tscAt(longestNs));
  const settled = rows[DEADLINES - 1]?.[2] ?? 0n;
  return {
    settledNs: Number(settled),
    afterNs: Number(rows.at(-1)?.[2] ?? 0n),
    worstAfterPs: host.picoseconds(worst),
    table: {
      title: "The timer advance follows the slew, and its end",
      columns: [
        { name: "n", unit: "count", title: "deadline" },
        { name: "delta", unit: "ps", title: "at the check", signed: true },
        { name: "advance", unit: "ns", title: "advance" },
        { name: "error", unit: "ps", title: "seen by the guest", signed: true },
      ],
      rows,
    },
  };
}

const abs = (x: bigint): bigint => (x < 0n ? -x : x);
