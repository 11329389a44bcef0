import type { Measured, RunContext } from "../../scenario/types.js";
import { formatQuantity } from "../../units/format-quantity.js";
import { type LiveMigrationParams, nsIn } from "./params.js";
import { runMethods } from "./run-methods.js";
import { saveGuest } from "./source.js";
import { methodsTable, skewTable, unscaledTable, writesTable, youngTable } from "./tables.js";
import { lastWrites, writeEveryTsc, writeYoungTsc, youngCases } from "./tsc-writes.js";
import { climbStairs, EXITS_WATCHED, unscaledCases, watchUnscaled } from "./unscaled.js";

/** Simulated time of a run, for progress: the guest on its source, and watched on every destination without scaling. */
export function runNs(params: LiveMigrationParams): bigint {
  return params.age + BigInt(unscaledCases(params).length) * params.watch;
}

/** Moves one guest to many destinations, in every way (docs/model/scenarios-clock §S4). */
export function runLiveMigration({ params, kernel, hooks }: RunContext<LiveMigrationParams>): Measured {
  const { axes } = kernel;
  const totalNs = runNs(params);
  let simulatedNs = 0n;
  let ticks = 0n;
  const passed = (untilNs: bigint): void => {
    hooks.signal?.throwIfAborted();
    simulatedNs = untilNs;
    hooks.onProgress?.({ simulatedNs, totalNs, ticks });
  };
  const inNs = (cycles: bigint): bigint => nsIn(cycles, params.guestKhz);

  const saved = saveGuest(params, axes);
  passed(params.age);
  const methods = runMethods(saved, params, axes, hooks.openTrace);
  const chosen = methods.find(({ tsc, clock }) => tsc === params.tsc && clock === params.clock);
  const documented = methods.find(({ tsc }) => tsc === "documented-offset");
  if (chosen === undefined || documented === undefined) throw new Error("live-migration: no such method");
  const cases = unscaledCases(params);
  const unscaled = cases.map((each, i) => {
    let exits = 0n;
    return watchUnscaled(saved, params, axes, each, () => {
      exits += 1n;
      ticks += 1n;
      passed(params.age + BigInt(i) * params.watch + (params.watch * exits) / EXITS_WATCHED);
    });
  });
  const [, slowOff, slowOn] = cases;
  if (slowOff === undefined || slowOn === undefined) throw new Error("live-migration: no slow destination");
  const stairs = climbStairs(saved, params, axes, slowOn, hooks.openTrace);
  const stairsOff = climbStairs(saved, params, axes, slowOff);
  const writes = lastWrites(params).map((last) => writeEveryTsc(saved, params, axes, last));
  const young = youngCases(params).map((off) => writeYoungTsc(params, axes, off));
  const { arrival } = chosen;
  return {
    observations: {
      tscAhead: inNs(arrival.tscAhead),
      tscAheadCycles: arrival.tscAhead,
      clockAhead: arrival.clockAhead,
      clockAgainstTsc: arrival.clockAgainstTsc,
      behindAtGet: saved.guestNs - saved.clock.clock,
      setTscKhz: BigInt(arrival.setTscKhz),
      setClockGuest: arrival.setClockGuest === undefined ? undefined : BigInt(arrival.setClockGuest),
      masterClock: arrival.masterClock,
      savedTsc: saved.guestTsc,
      guestTsc: arrival.guestTsc,
      offset: arrival.offset === undefined ? undefined : BigInt.asIntN(64, arrival.offset),
      documentedAhead: inNs(documented.arrival.tscAhead),
      slowGain: inNs(unscaled[2]?.tscAhead ?? 0n),
      nearTscKhz: unscaled[4]?.getTscKhz ?? 0n,
      lag: inNs(stairs.mostBehind),
      lagCycles: stairs.mostBehind,
      lagOffCycles: stairsOff.mostBehind,
      stepOffCycles: stairsOff.firstStep,
      behindAtEndOffCycles: stairsOff.behindAtEnd,
      young: young.every(({ tscAhead }) => tscAhead === 0n) ? "honoured" : "swallowed",
    },
    series: {
      stairs: {
        title: `guest TSC behind its frequency, an exit every ${formatQuantity(params.exitEvery, "ns")}, master clock on`,
        unit: "ns",
        points: stairs.points,
      },
      stairsOff: {
        title: "guest TSC behind its frequency, master clock off",
        unit: "ns",
        points: stairsOff.points,
      },
    },
    tables: {
      methods: methodsTable(methods, params),
      skew: skewTable(methods, params),
      unscaled: unscaledTable(unscaled, params),
      writes: writesTable(writes, params),
      young: youngTable(young),
    },
  };
}
