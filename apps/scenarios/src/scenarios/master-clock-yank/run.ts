import type { Measured, RunContext, Table } from "../../scenario/types.js";
import { PAIR_AGE_NS, PAIRS, pairsTable } from "./pairs.js";
import type { MasterClockYankParams } from "./params.js";
import { READ_NS, type Yank, yank } from "./yank.js";

/** Of the age, so much is run after the event, for the clocks to part again and the watchdog to look. */
const AFTER = 4n;

function vmNs({ age }: MasterClockYankParams): bigint {
  return age + age / AFTER;
}

/** Simulated time of a run, for progress. */
export function runNs(params: MasterClockYankParams): bigint {
  return vmNs(params) + PAIR_AGE_NS * BigInt(PAIRS.length);
}

/** What a new reference does to a guest's clock that has run on its own for long (docs/model/scenarios-clock §S3). */
export function runMasterClockYank(context: RunContext<MasterClockYankParams>): Measured {
  const { params, kernel, hooks } = context;
  const totalNs = runNs(params);
  const seen = yank(params, kernel.axes, { afterNs: vmNs(params) - params.age, hooks, totalNs });
  const pairs = pairsTable(params, kernel.axes, hooks, (done) =>
    hooks.onProgress?.({
      simulatedNs: vmNs(params) + PAIR_AGE_NS * BigInt(done),
      totalNs,
      ticks: BigInt(seen.ahead.length + done),
    }),
  );
  const [before, after] = seen.reads;
  return {
    observations: {
      jump: seen.jumpNs,
      references: BigInt(seen.references.length),
      ahead: seen.ahead.find(([ns]) => ns === params.age - READ_NS)?.[1] ?? 0n,
      reads: after - before,
      backwards: after < before,
      stable: seen.tscStable,
      unstable: seen.unstable !== undefined,
      skew: skewOf(seen),
    },
    series: {
      ahead: {
        title: "guest's clock ahead of the host's, by time since the start",
        unit: "ns",
        points: seen.ahead,
      },
    },
    tables: { ...(seen.references.length > 0 ? { references: referencesTable(seen) } : {}), pairs },
  };
}

/** By what the guest's watchdog found its clocks apart when it gave the TSC up. */
function skewOf({ unstable }: Yank): bigint | undefined {
  return unstable?.kind === "skew" ? unstable.sourceNs - unstable.watchdogNs : undefined;
}

function referencesTable({ references }: Yank): Table {
  return {
    title: "new references taken, one after the other",
    columns: [
      { name: "number", unit: "count", title: "reference" },
      { name: "at", unit: "ns", title: "taken at" },
      { name: "jump", unit: "ns", title: "jump", signed: true },
    ],
    rows: references.map(({ ns, jumpNs }, i) => [BigInt(i + 1), ns, jumpNs]),
  };
}
