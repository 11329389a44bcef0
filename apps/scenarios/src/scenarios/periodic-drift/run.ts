import type { Host } from "../../machine/host/host.js";
import { buildLapicMachine } from "../../machine/lapic-machine.js";
import { periodicTimer } from "../../programs/periodic-timer.js";
import type { Measured, RunContext, Table } from "../../scenario/types.js";
import { type Halves, halfEnd, scheduleWakeUps } from "../alternating-load.js";
import { evenInstants, mergeInstants, runSampled } from "../sampling.js";
import { effectivePeriod, initialCount } from "../timer-period.js";
import { TABLE_SECONDS } from "./figures.js";
import type { PeriodicDriftParams } from "./params.js";

const NS_PER_S = 1_000_000_000n;
/** Points of each series: enough for a plot 80 columns wide at two dots a column, and for a page. */
const SERIES_POINTS = 240;

/** Ticks a timer locked to CLOCK_MONOTONIC would have given by now. */
function due(host: Host, period: bigint): bigint {
  return host.clock.monotonicNs() / period;
}

const TICK_TABLE = {
  title: "Interrupts delivered",
  columns: [
    { name: "t", unit: "ns", title: "after" },
    { name: "due", unit: "count", title: "due" },
    { name: "seen", unit: "count", title: "seen" },
    { name: "cb", unit: "count", title: "callbacks" },
    { name: "hvExp", unit: "count", title: "hv exits" },
    { name: "swStart", unit: "count", title: "sync" },
    { name: "haltWait", unit: "ns", title: "last halt" },
    { name: "lag", unit: "ps", title: "lag" },
  ],
} as const satisfies Omit<Table, "rows">;

/** Builds the machine, runs the guest for `duration`, and measures what docs/model/scenarios-lapic §S000 names. */
export function runPeriodicDrift({ params, kernel, hooks }: RunContext<PeriodicDriftParams>): Measured {
  const machine = buildLapicMachine({
    ...params,
    monoRatePpb: params.monoRatePpm,
    axes: kernel.axes,
    hooks,
    openTrace: hooks.openTrace,
    immediateExitCost: 0n,
    callbackCost: 0n,
    minDelta: 0n,
  });
  const { host, vcpu } = machine;
  const { counters } = vcpu;
  const period = effectivePeriod(params.period);
  const lagPs = (): bigint => host.picoseconds(counters.lag);

  const halves: Halves = { startNs: 0n, lengthNs: params.half, first: params.first };
  if (params.load === "alternating") scheduleWakeUps(machine, halves);
  vcpu.start(`periodic timer, ${params.load}`, (cpu) =>
    periodicTimer(cpu, {
      count: initialCount(params.period, params.busNs),
      handlerNs: params.handler,
      load: params.load,
      first: params.first,
      halfEnds: (index) => halfEnd(machine, halves, index),
    }),
  );

  const rows: bigint[][] = [];
  const lag: [bigint, bigint][] = [[0n, lagPs()]];
  const lost: [bigint, bigint][] = [[0n, 0n]];
  const table = TABLE_SECONDS.map((s) => s * NS_PER_S).filter((ns) => ns <= params.duration);
  if (!table.includes(params.duration)) table.push(params.duration);
  const instants = mergeInstants(evenInstants(params.duration, SERIES_POINTS), table);
  runSampled(host, instants, params.duration, hooks, (ns) => {
    const seen = BigInt(counters.seen);
    const dueNow = due(host, period);
    lag.push([ns, lagPs()]);
    lost.push([ns, dueNow - seen]);
    if (table.includes(ns)) {
      const { cb, hvExp, swStart, lastHalt } = counters;
      rows.push([
        ns,
        dueNow,
        seen,
        BigInt(cb),
        BigInt(hvExp),
        BigInt(swStart),
        host.nanoseconds(lastHalt),
        lagPs(),
      ]);
    }
    return seen;
  });

  return {
    observations: {
      due: due(host, period),
      seen: BigInt(counters.seen),
      lost: due(host, period) - BigInt(counters.seen),
      expirations: BigInt(counters.expirations),
      cb: BigInt(counters.cb),
      hvExp: BigInt(counters.hvExp),
      swStart: BigInt(counters.swStart),
      inj: BigInt(counters.inj),
      irrSet: BigInt(counters.irrSet),
      exits: BigInt(counters.exits),
      restarts: BigInt(counters.restarts),
      lag: lagPs(),
      lat: host.picoseconds(counters.lat),
      longestLat: host.picoseconds(counters.longestLat),
      largestLag: host.picoseconds(counters.largestLag),
      haltWait: host.nanoseconds(counters.lastHalt),
      longestHalt: host.nanoseconds(counters.longestHalt),
      longestGap: host.picoseconds(counters.longestGap),
      busy: host.nanoseconds(counters.busy),
      passes: BigInt(counters.passes),
      backend: vcpu.apic.backend,
      hvInUse: vcpu.apic.timer.hvInUse,
      phase: host.nanoseconds(counters.lastSeenAt - host.startTsc) % period,
    },
    series: {
      lag: { title: "hrtimer target behind the TSC deadline", unit: "ps", points: lag },
      lost: { title: "ticks due that the guest has not seen", unit: "count", points: lost },
    },
    tables: { delivered: { ...TICK_TABLE, rows } },
  };
}
