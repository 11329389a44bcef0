import type { Measured, RunContext } from "../../scenario/types.js";
import { checkParams } from "./check-params.js";
import { matrixTable } from "./matrix.js";
import type { SetClockPauseParams } from "./params.js";
import { pauseGuest, pauseNs } from "./pause.js";
import { startAtZero } from "./start-at-zero.js";

/** Stops a guest and sets its clock as a VMM does, then every pause in every way (docs/model/scenarios-clock §S5). */
export function runSetClockPause(context: RunContext<SetClockPauseParams>): Measured {
  const { params, kernel, hooks } = context;
  checkParams(params);
  const { axes } = kernel;
  const matrix = matrixTable(params, axes, hooks);
  const seen = pauseGuest(params, axes, hooks, pauseNs(params));
  const { reason, outcome } = seen.log;
  return {
    observations: {
      lost: seen.lostNs,
      tsc: seen.tscCycles,
      across: seen.acrossNs,
      backwards: seen.acrossNs < 0n,
      outcome,
      skew: reason?.kind === "skew" ? reason.sourceNs - reason.watchdogNs : undefined,
      standstill: seen.standstillNs,
      stands: seen.stands,
      stable: seen.tscStable,
      startAtZero: startAtZero(params, axes),
    },
    series: {
      behind: {
        title: "what the guest reads, behind true time, from 1.15 s before the stop",
        unit: "ns",
        points: seen.behind,
      },
    },
    tables: { matrix },
  };
}
