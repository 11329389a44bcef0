/** Where the slew of the report's procedure puts each run of L2, without a machine (docs/model/scenarios-clock §S2.b). */
import type { Series } from "../../scenario/types.js";
import type { Bounds } from "./clock-arithmetic.js";
import type { NtpSlewParams } from "./params.js";
import { type PredictedHost, predictWait } from "./predict.js";
import { SET_AT_NS } from "./procedure.js";

const NS_PER_S = 1_000_000_000n;
const STEP_CYCLES = 32n;

/** One run of L2, and what was to be expected of it. */
export interface PredictedRun {
  readonly errorPs: bigint;
  readonly expected: Bounds;
}

/** Whether the daemon slews at its limit for seconds: a smaller offset is spread over one second. */
export function slewsAtLimit({ servo, offset, maxSlew, jitter }: NtpSlewParams): boolean {
  return servo === "chrony" && (offset - jitter) * NS_PER_S >= maxSlew * NS_PER_S;
}

/** One run whose slew changes `changeNs` after it began; undefined where it may be lost. */
function predictRun(
  p: NtpSlewParams,
  axes: PredictedHost["axes"],
  slewPpb: bigint,
  laterPpb: bigint,
  changeNs: bigint,
): Bounds | undefined {
  const host = { khz: p.hostKhz, hz: p.hz, axes };
  const cycles = p.nestedTicks * STEP_CYCLES;
  const l2 = { victim: "nested", device: "real", ticks: "yes", waits: "spins" } as const;
  const predicted = predictWait(host, { ...l2, cycles, slewPpb, laterPpb, changeNs });
  return predicted === "lost" ? undefined : predicted;
}

/** A run that meets no slew. */
export function predictUnslewedRun(p: NtpSlewParams, axes: PredictedHost["axes"]): Bounds | undefined {
  return predictRun(p, axes, 0n, 0n, 0n);
}

/** The runs of one direction, each under the slew it began in and the one it ended in. */
export function predictRuns(
  p: NtpSlewParams,
  axes: PredictedHost["axes"],
  direction: "behind" | "ahead",
  slewNs: bigint | undefined,
  points: Series["points"],
): readonly PredictedRun[] {
  const slewPpb = direction === "behind" ? p.maxSlew : -p.maxSlew;
  const during = predictRun(p, axes, slewPpb, slewPpb, 0n);
  const after = predictUnslewedRun(p, axes);
  const slewEnds = slewNs === undefined ? undefined : SET_AT_NS + slewNs;
  const boundsOf = (began: bigint, ended: bigint): Bounds | undefined => {
    if (slewEnds === undefined || ended < slewEnds) return during;
    return began > slewEnds ? after : predictRun(p, axes, slewPpb, 0n, slewEnds - began);
  };
  let began = SET_AT_NS + p.armAfter;
  return points.flatMap(([ended, errorPs]) => {
    const expected = boundsOf(began, ended);
    began = ended;
    return expected === undefined ? [] : [{ errorPs, expected }];
  });
}
