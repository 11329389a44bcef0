import type { HostTsc } from "@chronovisor/clocksource";
import { HrtimerLoopError } from "@chronovisor/hrtimer";
import { ChronovisorError } from "../../errors.js";
import { LivelockError } from "../../machine/engine/engine.js";
import { buildLapicMachine, type LapicMachine } from "../../machine/lapic-machine.js";
import { periodicTimerRunningFirst } from "../../programs/periodic-timer.js";
import type { Measured, RunContext } from "../../scenario/types.js";
import { type Halves, halfEnd, scheduleWakeUps } from "../alternating-load.js";
import { effectivePeriod, initialCount } from "../timer-period.js";
import type { LongStopParams } from "./params.js";
import { LONGEST_WATCHED_NS, PERIODS_AFTER } from "./watch.js";

const NS_PER_S = 1_000_000_000n;
/** Callbacks of one interrupt before the host is called stuck; a stepped run may need one per period of the stop. */
const MAX_CALLBACKS = 5_000_000;
const MAX_CALLBACKS_STEPPED = 2_000_000_000;

/** Host TSC at which the guest arms its timer, so that its TSC reads `guestUptime` at the first exit. */
function startTsc(p: LongStopParams): bigint {
  const before = effectivePeriod(p.period) + p.stop;
  const uptime = p.guestUptime > before ? p.guestUptime - before : 0n;
  return (uptime * p.hostHz) / NS_PER_S;
}

/** Whether the timer is armed for an instant still to come: the backlog of the stop is gone. */
function caughtUp({ host, vcpu }: LapicMachine): boolean {
  const { timer } = vcpu.apic;
  if (timer.period === 0n) return !timer.hrtimerArmed;
  if (timer.target <= host.clock.monotonicNs()) return false;
  if (!timer.hvInUse) return timer.hrtimerArmed;
  return BigInt.asIntN(64, timer.tscDeadline - vcpu.tsc.readL1(host.engine.now)) > 0n;
}

/** Builds the machine, stops it, resumes it, and measures what docs/model/scenarios-lapic §S004 names. */
export function runLongStop({ params, kernel, hooks }: RunContext<LongStopParams>): Measured {
  const period = effectivePeriod(params.period);
  const machine = buildLapicMachine({
    ...params,
    monoRatePpb: params.monoRatePpm,
    axes: kernel.axes,
    hooks,
    openTrace: hooks.openTrace,
    immediateExitCost: params.reexit,
    startTsc: startTsc(params),
    maxCallbacksPerInterrupt:
      hooks.stepped === true && params.fault === "none" ? MAX_CALLBACKS_STEPPED : MAX_CALLBACKS,
  });
  const { host, vcpu } = machine;
  const { counters } = vcpu;
  const [cpu] = host.cpus;

  // The page counts the stop to the moment the expired timer is looked at: one entry, one forced exit later.
  const lookedAt = host.clock.firstTscAt(period + params.stop);
  const costs = host.cycles(params.entryCost) + host.cycles(params.reexit) + host.cycles(params.exitCost);
  const resumeAt = (params.stopped === "cpu" ? lookedAt : lookedAt - costs) as HostTsc;
  if (resumeAt <= host.startTsc) {
    throw new ChronovisorError(
      `stop: expected at least what leaving and entering take (${host.nanoseconds(costs)}ns), got "${params.stop}ns"`,
    );
  }
  const resumeNs = host.trueNs(resumeAt);
  const halves: Halves = { startNs: resumeNs, lengthNs: params.half, first: params.first };
  if (params.load === "alternating") scheduleWakeUps(machine, halves);

  const backlog: [bigint, bigint][] = [];
  /** Of interest from the first look on: during the stop it only grows with time. */
  const measureBacklog = (): void => {
    const since = host.engine.now - lookedAt;
    if (since < 0n) return;
    const late = host.clock.monotonicNs() - vcpu.apic.timer.target;
    backlog.push([host.nanoseconds(since), late > 0n ? late : 0n]);
  };

  vcpu.start(`periodic timer, ${params.load} after its first tick`, (guest) =>
    periodicTimerRunningFirst(guest, {
      count: initialCount(params.period, params.busNs),
      handlerNs: params.handler,
      load: params.load,
      first: params.first,
      halfEnds: (index) => halfEnd(machine, halves, index),
    }),
  );
  if (params.fault === "zero-period") vcpu.apic.corruptTimer((state) => ({ ...state, period: "0" }));
  vcpu.stop();
  if (params.stopped === "cpu") cpu?.maskInterruptsUntil(resumeAt);
  host.timeline.add({ at: resumeAt, name: "resume", act: () => vcpu.resume() });

  let stuck = false;
  const guarded = (work: () => void): void => {
    try {
      if (!stuck) work();
    } catch (error) {
      if (!(error instanceof LivelockError || error instanceof HrtimerLoopError)) throw error;
      stuck = true;
    }
  };
  guarded(() => {
    // A timer broken before it first expires shows that within periods: the stop has no part in it.
    if (params.fault !== "none") {
      host.engine.runUntil(host.tscAt(PERIODS_AFTER * period));
      return;
    }
    host.engine.runUntil(host.tscAt(resumeNs - 1n));
    backlog.push([0n, params.stop]);
    hooks.onProgress?.({ simulatedNs: resumeNs, totalNs: resumeNs + LONGEST_WATCHED_NS, ticks: 0n });
    hooks.signal?.throwIfAborted();
    const limit = host.tscAt(resumeNs + LONGEST_WATCHED_NS);
    host.engine.runUntilDone(() => {
      measureBacklog();
      // The preemption timer may expire up to a step early.
      return (host.engine.now >= lookedAt || counters.hvExp > 0) && caughtUp(machine);
    }, limit);
  });
  const { hvExp, cb, swStart, cbPass1, passes } = counters;
  const busy = host.nanoseconds(counters.busy);
  const settledAt = host.engine.now;
  guarded(() => {
    host.engine.runUntil(host.tscAt(host.trueNs(host.engine.now) + PERIODS_AFTER * period));
    measureBacklog();
  });

  const phase = ((host.nanoseconds(counters.lastSeenAt - host.startTsc) % period) + period) % period;
  return {
    observations: {
      hvExp: BigInt(hvExp),
      cb: BigInt(cb),
      cbPass1: BigInt(cbPass1),
      swStart: BigInt(swStart),
      expirations: BigInt(hvExp + cb + swStart),
      passes: BigInt(passes),
      busy,
      lockup: busy >= params.watchdog,
      livelock: stuck,
      catchUp: settledAt > lookedAt ? host.nanoseconds(settledAt - lookedAt) : 0n,
      backend: vcpu.apic.backend,
      fallbacks: BigInt(counters.fallbacks),
      seen: BigInt(counters.seen),
      inj: BigInt(counters.inj),
      irrSet: BigInt(counters.irrSet),
      exits: BigInt(counters.exits),
      restarts: BigInt(counters.restarts),
      warnings: BigInt(counters.warnings),
      hvInUse: vcpu.apic.timer.hvInUse,
      lag: host.picoseconds(counters.lag),
      lat: host.picoseconds(counters.lat),
      longestLat: host.picoseconds(counters.longestLat),
      longestGap: host.picoseconds(counters.longestGap),
      haltWait: host.nanoseconds(counters.lastHalt),
      phase,
      target: vcpu.apic.timer.target,
    },
    series: {
      backlog: { title: "backlog of the timer from the resume on", unit: "ns", points: thin(backlog) },
    },
    tables: {},
  };
}

/** Points of the plot at most; a storm of exits measures one each. */
const MOST_POINTS = 480;

/** Every n-th point, the last one kept. */
function thin(points: readonly [bigint, bigint][]): [bigint, bigint][] {
  const step = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, i) => i % step === 0 || i === points.length - 1);
}
