import { withOverride } from "../../kernels/kernels.js";
import type { Measured, RunContext } from "../../scenario/types.js";
import { magnitude } from "../../units/magnitude.js";
import { tuneAdvance } from "./advance-tuning.js";
import { BLOCKED, slewChanges, WAIT_CASES } from "./cases.js";
import { checkParams } from "./check-params.js";
import { measureFarDeadline } from "./far-deadline.js";
import { measureWait } from "./measure-wait.js";
import type { NtpSlewParams } from "./params.js";
import { procedureNs, runProcedure } from "./procedure.js";

const PS_PER_NS = 1_000n;

const NS_PER_MS = 1_000_000n;

/** Simulated time of a run, in whole milliseconds, for progress: every wait once, the procedure both ways. */
export function runNs(params: NtpSlewParams): bigint {
  const waits = WAIT_CASES.reduce(
    (sum, wait) => sum + (slewChanges(wait) ? params.longWait : params.wait),
    0n,
  );
  const exactNs = waits + params.blockedWait + 2n * procedureNs(params);
  return ((exactNs + NS_PER_MS - 1n) / NS_PER_MS) * NS_PER_MS;
}

/** Measures every wait of the story under one mitigation (docs/model/scenarios-clock §S2, scenarios-lapic §S003). */
export function runNtpSlew(context: RunContext<NtpSlewParams>): Measured {
  const { params, kernel, hooks } = context;
  checkParams(params);
  const totalNs = runNs(params);
  let simulatedNs = 0n;
  const passed = (ns: bigint): void => {
    hooks.signal?.throwIfAborted();
    simulatedNs += ns;
    hooks.onProgress?.({ simulatedNs, totalNs, ticks: (simulatedNs * params.hz) / 1_000_000_000n });
  };
  const unmended = { ...context, kernel: withOverride(kernel, "deadlineClock", "monotonic") };
  const errors = new Map<string, bigint | undefined>();
  let right = 0n;
  let worse = 0n;
  let worst = 0n;
  for (const wait of WAIT_CASES) {
    const { errorPs } = measureWait(context, wait);
    errors.set(wait.id, errorPs);
    const tolerancePs = params.tolerance * PS_PER_NS;
    if (errorPs !== undefined && magnitude(errorPs) <= tolerancePs) right += 1n;
    else if (unmended.kernel !== kernel) {
      const { errorPs: without = 0n } = measureWait(unmended, wait);
      if (errorPs === undefined || magnitude(errorPs) > magnitude(without) + tolerancePs) worse += 1n;
    }
    if (magnitude(errorPs ?? 0n) > worst) worst = magnitude(errorPs ?? 0n);
    passed(slewChanges(wait) ? params.longWait : params.wait);
  }
  const blocked = measureWait({ ...context, params: { ...params, wait: params.blockedWait } }, BLOCKED);
  passed(params.blockedWait);
  const behind = runProcedure(context, "behind");
  passed(procedureNs(params));
  const ahead = runProcedure(context, "ahead");
  passed(procedureNs(params));
  const advance = tuneAdvance(context);
  return {
    observations: {
      ...Object.fromEntries(errors),
      blocked: blocked.errorPs,
      blockedCallbacks: BigInt(blocked.callbacks),
      lost: blocked.errorPs === undefined,
      worst,
      right,
      worse,
      runs: BigInt(behind.runs + ahead.runs),
      early: BigInt(behind.early + ahead.early),
      late: BigInt(behind.late + ahead.late),
      failedAfterSlew: BigInt(behind.failedAfterSlew + ahead.failedAfterSlew),
      worstRun: magnitude(behind.worstPs) > magnitude(ahead.worstPs) ? behind.worstPs : ahead.worstPs,
      slewTime: behind.slewNs,
      slewTimeAhead: ahead.slewNs,
      monotonicStep: magnitude(behind.monotonicStepNs) + magnitude(ahead.monotonicStepNs),
      unsync: behind.unsyncAtSet && ahead.unsyncAtSet,
      advanceSettled: advance.settledNs,
      advanceAfter: advance.afterNs,
      advanceWorst: advance.worstAfterPs,
      far: measureFarDeadline(context),
    },
    series: {
      procedure: {
        title: "error of each run of L2 while the daemon speeds the clock up",
        unit: "ps",
        points: behind.errors,
      },
      procedureAhead: {
        title: "error of each run of L2 while the daemon slows the clock down",
        unit: "ps",
        points: ahead.errors,
      },
      advance: { title: "timer advance, the slew ending half way", unit: "ns", points: advance.advances },
    },
    tables: {},
  };
}
