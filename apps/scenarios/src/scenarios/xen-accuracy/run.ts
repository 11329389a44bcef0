import type { HostTsc } from "@chronovisor/clocksource";
import type { Measured, RunContext, Table } from "../../scenario/types.js";
import { callAgeNs } from "./call-instant.js";
import { checkParams, requireXenTimer } from "./check-params.js";
import { buildXenMachine, type XenMachine, type XenMachineBehaviours } from "./machine.js";
import type { XenAccuracyParams } from "./params.js";
import { sampleInstants } from "./samples.js";
import { formatLatency, timerlat } from "./timerlat.js";
import { type DriftSample, TSDRIFT_HOURS, TSDRIFT_NS, tsdrift } from "./tsdrift.js";

/** Lines of each table: one of so many timers, one of so many hours. */
const TIMERS_PER_LINE = 6;
const HOURS_PER_LINE = 6n;
const NS_PER_S = 1_000_000_000n;

type Context = RunContext<XenAccuracyParams>;

/** One timer of the run. */
interface Sample {
  readonly ns: bigint;
  /** How far the guest's clock was ahead of KVM's reckoning when it was set. */
  readonly aheadNs: bigint;
  readonly latencyNs: bigint;
  readonly interrupts: number;
}

/** What the timers take, to the second, rounded up. */
function timersNs(params: XenAccuracyParams): bigint {
  return ((callAgeNs(params) + NS_PER_S - 1n) / NS_PER_S) * NS_PER_S;
}

/** Simulated time of a run, for progress. */
export function runNs(params: XenAccuracyParams): bigint {
  return timersNs(params) + TSDRIFT_NS;
}

/** Sets timers over the age of a guest's clock, then compares the two reckonings of it for a day (docs/model/scenarios-clock §S1). */
export function runXenAccuracy(context: Context): Measured {
  const { params, kernel, hooks } = context;
  const behaviours: XenMachineBehaviours = {
    xen: requireXenTimer(kernel),
    axes: kernel.axes,
  };
  checkParams(params);
  const totalNs = runNs(params);
  let timers = 0n;
  const passed = (simulatedNs: bigint): void => {
    hooks.signal?.throwIfAborted();
    hooks.onProgress?.({ simulatedNs, totalNs, ticks: timers });
  };

  const machine = buildXenMachine(params, behaviours, hooks.openTrace);
  const reset = scheduleReset(machine, params);
  const samples: Sample[] = [];
  for (const at of sampleInstants(params)) {
    samples.push(sampleAt(machine, at, params));
    timers += 1n;
    passed(machine.host.trueNs(at));
  }
  const last = samples[samples.length - 1] as Sample;
  const day = buildXenMachine({ ...params, referenceTsc: 0n }, behaviours);
  let hours = 0n;
  const drift = tsdrift(day, () => {
    hours += 1n;
    passed(timersNs(params) + (TSDRIFT_NS * hours) / TSDRIFT_HOURS);
  });
  return {
    observations: {
      line: formatLatency(last.latencyNs, params.request),
      late: last.latencyNs - params.request,
      latency: last.latencyNs,
      ahead: last.aheadNs,
      interrupts: BigInt(last.interrupts),
      jump: reset.jumpNs,
      driftPerDay: drift[drift.length - 1]?.aheadNs ?? 0n,
      age: callAgeNs(params),
      assumedHz: machine.vcpuClock.hz,
    },
    series: {
      late: {
        title: "how late a timer fires, by when it is set",
        unit: "ns",
        points: samples.map(({ ns, latencyNs }) => [ns, latencyNs - params.request] as const),
      },
      tsdrift: {
        title: "guest's clock ahead of KVM_GET_CLOCK",
        unit: "ns",
        points: drift.map(({ ns, aheadNs }) => [ns, aheadNs] as const),
      },
    },
    tables: { timerlat: timerlatTable(samples, params), tsdrift: tsdriftTable(drift) },
  };
}

/** Puts the new reference on the timeline; afterwards it says how the guest's clock jumped. */
function scheduleReset(
  { host, clock, vcpuClock, guest }: XenMachine,
  { reset }: XenAccuracyParams,
): { jumpNs: bigint | undefined } {
  const outcome: { jumpNs: bigint | undefined } = { jumpNs: undefined };
  if (reset === 0n) return outcome;
  host.timeline.add({
    at: host.tscAt(reset),
    name: "a new reference for the guest's clock",
    act: () => {
      const before = guest.clockNs();
      clock.requestMasterClockUpdates();
      vcpuClock.serviceRequests();
      outcome.jumpNs = guest.clockNs() - before;
    },
  });
  return outcome;
}

function sampleAt(
  { host, vcpuClock, guest }: XenMachine,
  at: HostTsc,
  { request, handler }: XenAccuracyParams,
): Sample {
  host.engine.runUntil(at);
  const ns = host.trueNs(host.engine.now);
  const aheadNs = vcpuClock.aheadOfHostNs(host.engine.now);
  const { ns: latencyNs, interrupts } = timerlat(guest, request, handler);
  return { ns, aheadNs, latencyNs, interrupts };
}

function timerlatTable(samples: readonly Sample[], { request }: XenAccuracyParams): Table {
  const last = samples.length - 1;
  const shown = samples.filter((_, i) => (last - i) % TIMERS_PER_LINE === 0);
  return {
    title: "what the guest's timerlat prints",
    columns: [
      { name: "at", unit: "ns", title: "set at" },
      { name: "latency", unit: "name", title: "latency" },
      { name: "ahead", unit: "ns", title: "clock ahead by", signed: true },
    ],
    rows: shown.map(({ ns, latencyNs, aheadNs }) => [ns, formatLatency(latencyNs, request), aheadNs]),
  };
}

function tsdriftTable(drift: readonly DriftSample[]): Table {
  return {
    title: "what the guest's tsdrift prints: its clock minus KVM_GET_CLOCK",
    columns: [
      { name: "at", unit: "ns", title: "after" },
      { name: "ahead", unit: "ns", title: "ahead by", signed: true },
    ],
    rows: drift.filter(({ hour }) => hour % HOURS_PER_LINE === 0n).map(({ ns, aheadNs }) => [ns, aheadNs]),
  };
}
