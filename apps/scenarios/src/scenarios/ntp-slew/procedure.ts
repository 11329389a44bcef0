import type { GuestTsc } from "@chronovisor/clocksource";
import { ChronyServo, NtpdServo, ReferenceClock, STA_UNSYNC } from "@chronovisor/timekeeper";
import type { Host } from "../../machine/host/host.js";
import { runServo } from "../../machine/host/servo-driver.js";
import { nestedTimer } from "../../programs/nested-timer.js";
import { seededRandom } from "../../random/random.js";
import type { RunContext, Series } from "../../scenario/types.js";
import { magnitude } from "../../units/magnitude.js";
import { buildSlewMachine } from "./machine.js";
import type { NtpSlewParams } from "./params.js";

const NS_PER_S = 1_000_000_000n;
const PS_PER_NS = 1000n;
/** CLOCK_REALTIME of the host when it boots: any whole second. */
const EPOCH_NS = 1_700_000_000n * NS_PER_S;
/** The procedure sets the date once the machine has run a moment. */
export const SET_AT_NS = 100_000_000n;
/** A slew is followed for so long; a slower one goes on behind the story's back. */
export const LONGEST_SLEW_NS: bigint = 60n * NS_PER_S;
/** A daemon spreads a small offset over this long. */
const SHORTEST_SLEW_NS = NS_PER_S;
/** How long a daemon is watched after a fast slew should have ended, and the kernel's PLL from its start. */
const AFTER_NS = 4n * NS_PER_S;
const PLL_WATCHED_NS = 10n * NS_PER_S;
/** A daemon that has just been started looks often. */
const POLL_NS = 2n * NS_PER_S;
/** The PLL's time constant at that poll, as ntpd's `minpoll` would choose it. */
const PLL_TIME_CONSTANT = 2;
/** ntpd steps what is further off than this; the procedure's offset is to be slewed. */
const NEVER_STEP = 0n;

/** What the report's procedure showed (docs/model/scenarios-clock §S2.b). */
export interface ProcedureOutcome {
  readonly runs: number;
  /** L1 found its TSC before the deadline. */
  readonly early: number;
  /** L2 read a TSC at or past the deadline. */
  readonly late: number;
  /** The same, of the runs that began once the slew had ended. */
  readonly failedAfterSlew: number;
  /** The run that missed its deadline by most, ps. */
  readonly worstPs: bigint;
  /** CLOCK_MONOTONIC stepped by this when the date was set, ns. */
  readonly monotonicStepNs: bigint;
  /** Setting the date marked the clock as not synchronised. */
  readonly unsyncAtSet: boolean;
  /** From setting the date to the end of the slew, ns; undefined while it still goes on. */
  readonly slewNs: bigint | undefined;
  /** Signed error of each run over time. */
  readonly errors: Series["points"];
}

/**
 * Sets the date off by `offset`, has an NTP daemon remove it, and meanwhile runs L2 under a preemption timer again and
 * again, as the report did. `behind`: the clock is set back and speeds up; `ahead`: the opposite.
 */
export function runProcedure(
  context: RunContext<NtpSlewParams>,
  direction: "behind" | "ahead",
): ProcedureOutcome {
  const { params, seed, hooks } = context;
  const openTrace = direction === "behind" ? hooks.openTrace : undefined;
  const machine = buildSlewMachine(context, { slewPpb: 0n, device: "real", ticks: "yes", openTrace });
  const { host, vcpu } = machine;
  const { timekeeper } = host.clock;
  setDate(host, EPOCH_NS);

  let slewNs: bigint | undefined;
  let monotonicStepNs = 0n;
  let unsyncAtSet = false;
  host.timeline.add({
    at: host.tscAt(SET_AT_NS),
    name: "the date is set",
    act: () => {
      const before = timekeeper.monotonicNs();
      setDate(host, timekeeper.realtimeNs() + (direction === "behind" ? -params.offset : params.offset));
      monotonicStepNs = timekeeper.monotonicNs() - before;
      unsyncAtSet = (timekeeper.adjtimex({ modes: 0 }).status & STA_UNSYNC) !== 0;
      startDaemon(host, params, seed, () => {
        slewNs ??= host.trueNs(host.engine.now) - SET_AT_NS;
      });
    },
  });

  const errors: [bigint, bigint][] = [];
  const outcome = { runs: 0, early: 0, late: 0, failedAfterSlew: 0, worstPs: 0n };
  let begun = SET_AT_NS + params.armAfter;
  vcpu.timers.nested.onExit = ({ leftCycles }) => {
    const errorPs = host.picoseconds(leftCycles);
    outcome.runs += 1;
    const failed = magnitude(errorPs) > params.tolerance * PS_PER_NS;
    if (failed && leftCycles < 0n) outcome.early += 1;
    else if (failed) outcome.late += 1;
    if (failed && slewNs !== undefined && begun > SET_AT_NS + slewNs) outcome.failedAfterSlew += 1;
    if (magnitude(errorPs) > magnitude(outcome.worstPs)) outcome.worstPs = errorPs;
    begun = host.trueNs(host.engine.now);
    errors.push([begun, errorPs]);
  };
  vcpu.start("preemption timer test", (cpu) =>
    nestedTimer(cpu, {
      enterAt: host.tscAt(SET_AT_NS + params.armAfter) as bigint as GuestTsc,
      ticks: Number(params.nestedTicks),
      times: undefined,
      l2: "spins",
    }),
  );
  host.engine.runUntil(host.tscAt(procedureNs(params)));
  return { ...outcome, monotonicStepNs, unsyncAtSet, slewNs, errors };
}

/** How long the procedure takes in one direction. */
export function procedureNs(params: NtpSlewParams): bigint {
  if (params.servo === "ntpd") return SET_AT_NS + PLL_WATCHED_NS;
  const atLimit = (params.offset * NS_PER_S) / params.maxSlew;
  const slewing = atLimit < SHORTEST_SLEW_NS ? SHORTEST_SLEW_NS : atLimit;
  return SET_AT_NS + (slewing < LONGEST_SLEW_NS ? slewing : LONGEST_SLEW_NS) + AFTER_NS;
}

function setDate(host: Host, realtimeNs: bigint): void {
  host.clock.timekeeper.settimeofday({ sec: realtimeNs / NS_PER_S, nsec: realtimeNs % NS_PER_S });
}

function startDaemon(host: Host, params: NtpSlewParams, seed: number, onSlewEnd: () => void): void {
  const random = seededRandom(seed);
  const reference = new ReferenceClock({
    trueNs: () => EPOCH_NS + host.trueNs(host.engine.now),
    // The server is as good as the counter: what is left to remove is the date.
    roundTripNs: 2n * params.jitter,
    jitterNs: params.jitter,
    random,
  });
  const common = {
    clock: host.clock.timekeeper,
    reference,
    nowNs: () => host.clock.rawNs(),
    pollNs: POLL_NS,
    tickNs: NS_PER_S / params.hz,
  };
  if (params.servo === "ntpd") {
    runServo(
      host,
      new NtpdServo({ ...common, timeConstant: PLL_TIME_CONSTANT, stepThresholdNs: NEVER_STEP }),
    );
    return;
  }
  // One measurement, one slew: the daemon of the report was started for this.
  const pollNs = procedureNs(params) + NS_PER_S;
  const maxSlewPpb = Number(params.maxSlew);
  const servo = new ChronyServo({ ...common, pollNs, maxSlewPpb, events: { onSlewEnd } });
  runServo(host, servo);
}
