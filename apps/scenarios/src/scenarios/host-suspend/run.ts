import type { Measured, RunContext, Table } from "../../scenario/types.js";
import { checkParams } from "./check-params.js";
import { TSC_IN_SLEEP, type TscInSleep } from "./machine.js";
import type { HostSuspendParams } from "./params.js";
import { SUSPEND_STEPS, type Suspend, suspend } from "./suspend.js";
import { type UserWrite, userWrites, writeDistances } from "./user-writes.js";

/** The headings of the rows. */
const DOES: Readonly<Record<TscInSleep, string>> = {
  counts: "counts on",
  resets: "begins anew",
  stops: "stops",
};

function lifeNs({ age, sleep, reference }: HostSuspendParams): bigint {
  return age + sleep + reference;
}

/** Simulated time of a run, for progress. */
export function runNs(params: HostSuspendParams): bigint {
  return lifeNs(params) * BigInt(TSC_IN_SLEEP.length);
}

/** Puts the host to sleep with each kind of TSC, and looks at what its guest makes of it (docs/model/scenarios-clock §S7). */
export function runHostSuspend({ params, kernel, hooks }: RunContext<HostSuspendParams>): Measured {
  checkParams(params);
  const totalNs = runNs(params);
  const steps = SUSPEND_STEPS * BigInt(TSC_IN_SLEEP.length) + BigInt(writeDistances(params).length);
  let done = 0n;
  const onStep = (): void => {
    hooks.signal?.throwIfAborted();
    done += 1n;
    hooks.onProgress?.({ simulatedNs: (totalNs * done) / steps, totalNs, ticks: done });
  };
  const slept = new Map(
    TSC_IN_SLEEP.map((tsc) => {
      const openTrace = tsc === params.tsc ? hooks.openTrace : undefined;
      return [tsc, suspend(params, kernel.axes, tsc, onStep, openTrace)];
    }),
  );
  const writes = userWrites(params, kernel.axes, onStep);
  const chosen = slept.get(params.tsc) as Suspend;
  const expectedWrite = writes.find(({ distance }) => distance === 0n);
  return {
    observations: {
      tscGain: chosen.tscGain,
      clockGain: chosen.clockGain,
      step: chosen.step,
      off: chosen.off,
      apart: chosen.clockGain + chosen.step - cyclesToNs(chosen.tscGain, params),
      lost: chosen.lost,
      given: chosen.given,
      masterOnWaking: chosen.masterOnWaking,
      masterAfter: chosen.masterAfter,
      monotonicGain: chosen.monotonicGain,
      rawGain: chosen.rawGain,
      boottimeGain: chosen.boottimeGain,
      deadlineLate: chosen.deadlineLate,
      deadlineError: chosen.deadlineError,
      firstTick: chosen.ticks[0],
      ticks: ticksWithin(chosen, 10n * params.period),
      expectedWrite: expectedWrite?.value,
      writeOff: expectedWrite?.offFirst,
    },
    series: {
      off: { title: "guest's clock ahead of true time, by true time", unit: "ns", points: chosen.points },
    },
    tables: {
      clocks: clocksTable(slept, params),
      timers: timersTable(slept, params),
      writes: writesTable(writes),
    },
  };
}

/** Guest cycles as a guest of its nominal frequency takes them, ns, rounded towards zero. */
function cyclesToNs(cycles: bigint, { guestKhz }: HostSuspendParams): bigint {
  return (cycles * 1_000_000n) / guestKhz;
}

function ticksWithin({ ticks }: Suspend, ns: bigint): bigint {
  return BigInt(ticks.filter((at) => at < ns).length);
}

function clocksTable(slept: ReadonlyMap<TscInSleep, Suspend>, params: HostSuspendParams): Table {
  return {
    title: "a sleep, by what the host's TSC does in it",
    columns: [
      { name: "tsc", unit: "name", title: "TSC" },
      { name: "tscGain", unit: "ns", title: "guest TSC", signed: true },
      { name: "clockGain", unit: "ns", title: "its clock", signed: true },
      { name: "step", unit: "ns", title: "new reference", signed: true },
      { name: "off", unit: "ns", title: "then off by", signed: true },
      { name: "master", unit: "flag", title: "master clock" },
    ],
    rows: [...slept].map(([tsc, { tscGain, clockGain, step, off, masterAfter }]) => [
      DOES[tsc],
      cyclesToNs(tscGain, params),
      clockGain,
      step,
      off,
      masterAfter,
    ]),
  };
}

function timersTable(slept: ReadonlyMap<TscInSleep, Suspend>, params: HostSuspendParams): Table {
  return {
    title: "the guest's timers over it",
    columns: [
      { name: "tsc", unit: "name", title: "TSC" },
      { name: "late", unit: "ns", title: "deadline late", signed: true },
      { name: "error", unit: "ns", title: "by the guest's TSC", signed: true },
      { name: "first", unit: "ns", title: "first tick" },
      { name: "ticks", unit: "count", title: "in 10 periods" },
    ],
    rows: [...slept].map(([tsc, outcome]) => [
      DOES[tsc],
      outcome.deadlineLate,
      cyclesToNs(outcome.deadlineError, params),
      outcome.ticks[0] ?? -1n,
      ticksWithin(outcome, 10n * params.period),
    ]),
  };
}

function writesTable(writes: readonly UserWrite[]): Table {
  return {
    title: "what user space writes into the TSC after one that began anew",
    columns: [
      { name: "distance", unit: "cycles", title: "from expected", signed: true },
      { name: "first", unit: "flag", title: "first in step" },
      { name: "later", unit: "flag", title: "later" },
      { name: "off", unit: "cycles", title: "TSC then off by", signed: true },
    ],
    rows: writes.map(({ distance, first, later, offLater }) => [distance, first, later, offLater]),
  };
}
