import type { Measured, RunContext, Table } from "../../scenario/types.js";
import { magnitude } from "../../units/magnitude.js";
import { type CauseId, causesOf } from "./causes.js";
import { type Lived, liveThrough, type StepOutcome } from "./live-through.js";
import type { MasterClockLossParams } from "./params.js";

/** The cause that is plotted where a run is of all of them. */
const PLOTTED: CauseId = "tsc-write";

const CURVES: Readonly<Record<CauseId, string>> = {
  offset: "user space sets vCPU 1's TSC offset off, then vCPU 0's",
  "tsc-write": "the guest writes vCPU 1's TSC",
  "tsc-adjust": "the guest writes vCPU 1's TSC_ADJUST",
  "old-msr": "the boot vCPU's clock goes to the old MSR and back",
  clocksource: "the host's clocksource goes to hpet and back",
  hotplug: "a third vCPU is plugged in",
};

/** Simulated time of a run, for progress. */
export function runNs(params: MasterClockLossParams): bigint {
  return causesOf(params).reduce((total, cause) => total + lifeNs(params, cause.steps(params).length), 0n);
}

function lifeNs({ age, dwell }: MasterClockLossParams, steps: number): bigint {
  return age + dwell * BigInt(steps);
}

/** Lets a VM on a master clock live through each cause, and sees what becomes of its clocks (docs/model/scenarios-clock §S6). */
export function runMasterClockLoss({ params, kernel, hooks }: RunContext<MasterClockLossParams>): Measured {
  const totalNs = runNs(params);
  let doneNs = 0n;
  let ticks = 0n;
  const causes = causesOf(params);
  const lives = causes.map((cause) => {
    const passed = (ns: bigint): void => {
      hooks.signal?.throwIfAborted();
      ticks += 1n;
      hooks.onProgress?.({ simulatedNs: doneNs + ns, totalNs, ticks });
    };
    const isShown = causes.length === 1 || cause.id === PLOTTED;
    const lived = liveThrough(cause, params, kernel.axes, passed, isShown ? hooks.openTrace : undefined);
    doneNs += lifeNs(params, lived.steps.length);
    return lived;
  });
  hooks.onProgress?.({ simulatedNs: totalNs, totalNs, ticks });
  const steps = lives.flatMap(({ steps }) => steps);
  const losing = lives.filter(({ steps: [first] }) => first?.isOnMaster === false);
  return {
    observations: {
      lost: BigInt(losing.length),
      lostBy: losing.length === 0 ? "none" : losing.map(({ cause }) => cause).join(" "),
      jump: furthest(steps.map(({ jump0 }) => jump0)),
      apart: furthest(steps.map(({ apart }) => apart)),
      apartLater: furthest(lives.map(({ steps: [first] }) => first?.apartLater ?? 0n)),
      held: furthest(steps.map(({ held }) => held)),
      updates: steps.reduce((total, step) => total + step.updates, 0n),
      causes: BigInt(lives.length),
    },
    series: { apart: apartSeries(lives) },
    tables: { state: stateTable(steps), clocks: clockTable(steps) },
  };
}

/** The value furthest from 0; the first of several. */
function furthest(values: readonly bigint[]): bigint {
  return values.reduce((worst, value) => (magnitude(value) > magnitude(worst) ? value : worst), 0n);
}

function apartSeries(lives: readonly Lived[]): Measured["series"][string] {
  const plotted = lives.find(({ cause }) => cause === PLOTTED) ?? lives[0];
  const title = `vCPU 1's clock minus vCPU 0's: ${CURVES[plotted?.cause ?? PLOTTED]}`;
  return { title, unit: "ns", points: plotted?.apart ?? [] };
}

const TITLE = { name: "step", unit: "name", title: "what happens" } as const;

/** A line for each step, in the order of the causes. */
function stateTable(steps: readonly StepOutcome[]): Table {
  return {
    title: "a VM of its own for each cause: its master clock",
    columns: [
      TITLE,
      { name: "master", unit: "name", title: "master" },
      { name: "stable", unit: "name", title: "TSC_STABLE" },
      { name: "updates", unit: "count", title: "references" },
      { name: "tscApart", unit: "count", title: "TSC1 \u2212 TSC0", signed: true },
    ],
    rows: steps.map(({ title, isOnMaster, isTscStable, updates, tscApart }) => [
      title,
      isOnMaster ? "on" : "off",
      isTscStable ? "set" : "clear",
      updates,
      tscApart,
    ]),
  };
}

function clockTable(steps: readonly StepOutcome[]): Table {
  return {
    title: "and its vCPUs' clocks",
    columns: [
      TITLE,
      { name: "jump", unit: "ns", title: "K0 jumps", signed: true },
      { name: "apart", unit: "ns", title: "K1 \u2212 K0", signed: true },
      { name: "apartLater", unit: "ns", title: "later", signed: true },
      { name: "held", unit: "ns", title: "K0 stands" },
    ],
    rows: steps.map(({ title, jump0, apart, apartLater, held }) => [title, jump0, apart, apartLater, held]),
  };
}
