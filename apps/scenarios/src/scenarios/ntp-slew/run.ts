import type { Measured, RunContext, Table } from "../../scenario/types.js";
import { tuneAdvance } from "./advance-tuning.js";
import { WAIT_CASES, type WaitCase } from "./cases.js";
import { buildSlewMachine } from "./machine.js";
import { measureWait, type WaitOutcome, waitLapic } from "./measure-wait.js";
import type { NtpSlewParams } from "./params.js";
import { procedureNs, runProcedure } from "./procedure.js";

/** The first deadline whose nanoseconds wrap: 2^64 / 10^6 guest cycles away (docs/model/timekeeping-ntp §7.1). */
const WRAPPING_CYCLES = 2n ** 64n / 1_000_000n + 1n;

/** A halted guest on a CPU that ticks: woken early, does it hear of its deadline? (docs/model/scenarios-clock §S2.d) */
const BLOCKED: WaitCase = {
  id: "blocked",
  title: "halted, ticking CPU",
  victim: "lapic",
  slew: 1,
  later: 1,
  device: "real",
  ticks: "yes",
  waits: "halts",
};

/** Simulated time of a run, for progress: every wait once, the procedure both ways. */
export function runNs(params: NtpSlewParams): bigint {
  const waits = WAIT_CASES.reduce(
    (sum, wait) => sum + (wait.slew === wait.later ? params.wait : params.longWait),
    0n,
  );
  return waits + params.blockedWait + 2n * procedureNs(params);
}

/** Measures every wait of the story under one mitigation (docs/model/scenarios-clock §S2, scenarios-lapic §S003). */
export function runNtpSlew(context: RunContext<NtpSlewParams>): Measured {
  const { params, hooks } = context;
  const totalNs = runNs(params);
  let simulatedNs = 0n;
  const passed = (ns: bigint): void => {
    hooks.signal?.throwIfAborted();
    simulatedNs += ns;
    hooks.onProgress?.({ simulatedNs, totalNs, ticks: (simulatedNs * params.hz) / 1_000_000_000n });
  };
  const outcomes = new Map<string, WaitOutcome>();
  for (const wait of WAIT_CASES) {
    outcomes.set(wait.id, measureWait(context, wait));
    passed(wait.slew === wait.later ? params.wait : params.longWait);
  }
  const blocked = measureWait({ ...context, params: { ...params, wait: params.blockedWait } }, BLOCKED);
  passed(params.blockedWait);
  const behind = runProcedure(context, "behind");
  passed(procedureNs(params));
  const ahead = runProcedure(context, "ahead");
  passed(procedureNs(params));
  const advance = tuneAdvance(context);
  const far = measureFar(context);
  return {
    observations: {
      ...Object.fromEntries([...outcomes].map(([id, { errorPs }]) => [id, errorPs])),
      blocked: blocked.errorPs,
      blockedCallbacks: BigInt(blocked.callbacks),
      lost: blocked.errorPs === undefined,
      runs: BigInt(behind.runs + ahead.runs),
      early: BigInt(behind.early + ahead.early),
      late: BigInt(behind.late + ahead.late),
      failedAfterSlew: BigInt(behind.failedAfterSlew + ahead.failedAfterSlew),
      worstRun: abs(behind.worstPs) > abs(ahead.worstPs) ? behind.worstPs : ahead.worstPs,
      slewTime: behind.slewNs,
      monotonicStep: behind.monotonicStepNs,
      unsync: behind.unsyncAtSet && ahead.unsyncAtSet,
      advanceSettled: BigInt(advance.settledNs),
      advanceAfter: BigInt(advance.afterNs),
      advanceWorst: advance.worstAfterPs,
      far,
      worst: [...outcomes.values()].reduce((most, { errorPs = 0n }) => max(most, abs(errorPs)), 0n),
    },
    series: {
      procedure: {
        title: "error of each run while the daemon speeds the clock up",
        unit: "ps",
        points: behind.errors,
      },
      procedureAhead: {
        title: "error of each run while the daemon slows the clock down",
        unit: "ps",
        points: ahead.errors,
      },
    },
    tables: { waits: waitTable(outcomes), advance: advance.table },
  };
}

/** Where the guest's far deadline expires, ps from it; undefined if not before it. */
function measureFar(context: RunContext<NtpSlewParams>): bigint | undefined {
  const machine = buildSlewMachine(context, { slewPpb: 0n, device: "real", ticks: "no" });
  const { host } = machine;
  const waitNs = (WRAPPING_CYCLES * 1_000_000_000n) / host.tscHz;
  // A second is enough to tell: the alias of this deadline is at once.
  const { errorPs } = waitLapic(machine, context.params.armAfter, waitNs, "halts", 1_000_000_000n);
  return errorPs;
}

function waitTable(outcomes: ReadonlyMap<string, WaitOutcome>): Table {
  return {
    title: "Every wait, from its deadline to its expiry",
    columns: [
      { name: "wait", unit: "name", title: "wait" },
      { name: "victim", unit: "name", title: "timer" },
      { name: "error", unit: "ps", title: "error", signed: true },
      { name: "callbacks", unit: "count", title: "callbacks" },
    ],
    rows: WAIT_CASES.map(({ id, title, victim }) => {
      const { errorPs, callbacks } = outcomes.get(id) ?? { errorPs: undefined, callbacks: 0 };
      return [title, victim, errorPs ?? "never", BigInt(callbacks)];
    }),
  };
}

const abs = (x: bigint): bigint => (x < 0n ? -x : x);
const max = (x: bigint, y: bigint): bigint => (x > y ? x : y);
