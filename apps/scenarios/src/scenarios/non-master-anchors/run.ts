import type { Measured, RunContext, Table } from "../../scenario/types.js";
import { type MoveOutcome, measureMove } from "./measure-move.js";
import { moveAbout, movingNs } from "./move-about.js";
import type { NonMasterAnchorsParams } from "./params.js";

const NS_PER_S = 1_000_000_000n;
/** Ages of the table, where the run's own is not meant. */
const AGES: readonly bigint[] = [10n, 60n, 300n, 600n, 3_600n, 86_400n].map((s) => s * NS_PER_S);

/** Simulated time of a run, for progress. */
export function runNs(params: NonMasterAnchorsParams): bigint {
  return [params.age, ...AGES].reduce((total, age) => total + age, 0n) + params.age + movingNs(params);
}

/** Moves a vCPU of VMs without a master clock, and looks at the clock of the other (docs/model/scenarios-clock §S10). */
export function runNonMasterAnchors({ params, kernel, hooks }: RunContext<NonMasterAnchorsParams>): Measured {
  const totalNs = runNs(params);
  let simulatedNs = 0n;
  let ticks = 0n;
  const passed = (ns: bigint): void => {
    hooks.signal?.throwIfAborted();
    ticks += 1n;
    hooks.onProgress?.({ simulatedNs: simulatedNs + ns, totalNs, ticks });
  };
  const byAge = [params.age, ...AGES].map((age) => {
    const outcome = measureMove({ ...params, age }, kernel.axes);
    passed(age);
    simulatedNs += age;
    return outcome;
  });
  const [first, ...others] = byAge as [MoveOutcome, ...MoveOutcome[]];
  const moved = moveAbout(params, kernel.axes, passed, hooks.openTrace);
  return {
    observations: {
      apart: first.apart,
      lasts: first.apart === 0n ? 0n : first.lasts,
      stands: moved.stands.reduce((most, ns) => (ns > most ? ns : most), 0n),
      stood: BigInt(moved.stands.filter((ns) => ns > 0n).length),
      kicks: moved.kicks,
      renewals: moved.renewals,
      laterApart: moved.laterApart,
    },
    series: {
      apart: {
        title: "vCPU 1's clock minus vCPU 0's, from 50 ms before vCPU 0 is moved",
        unit: "ns",
        points: moved.apart,
      },
    },
    tables: { ages: ageTable(others) },
  };
}

function ageTable(outcomes: readonly MoveOutcome[]): Table {
  return {
    title: "VMs of other ages when vCPU 0 is moved",
    columns: [
      { name: "age", unit: "ns", title: "age" },
      { name: "apart", unit: "ns", title: "K1 \u2212 K0", signed: true },
      { name: "lasts", unit: "ns", title: "for" },
    ],
    rows: outcomes.map(({ age, apart, lasts }) => [age, apart, apart === 0n ? 0n : (lasts ?? 0n)]),
  };
}
