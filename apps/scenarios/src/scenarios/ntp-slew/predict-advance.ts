/** How the timer advance tunes itself on the deadlines of `advance-tuning.ts`, without a machine (§S2.e). */

import { adjustTimerAdvance } from "@chronovisor/lapic";
import { magnitude } from "../../units/magnitude.js";
import { DEADLINES } from "./advance-tuning.js";
import { ClockArithmetic } from "./clock-arithmetic.js";
import type { NtpSlewParams } from "./params.js";

const PS_PER_NS = 1_000n;
const INITIAL_NS = 1_000;
/** Errors below this many guest cycles are left alone; a correction is an eighth of the error. */
const TUNED_FROM_CYCLES = 100n;
const TUNED_TO_CYCLES = 10_000n;
/** Whole ns that arming and reading the clock may drop. */
const DROPPED_NS = 4n;
const STEP = 8n;

export interface PredictedAdvance {
  readonly settledNs: bigint;
  readonly afterNs: bigint;
  /** The largest error of a deadline that the guest sees once the slew has ended, ps. */
  readonly worstAfterPs: bigint;
  /** How far dithering, and the cycle a callback waits for, can lead the tuning elsewhere, ns. */
  readonly toleranceNs: bigint;
}

/**
 * What a run of deadlines leads to; undefined where one is so near the edge of what is tuned that a rounded nanosecond
 * decides. `bent`: the deadlines are armed on the slow clock as it is; `straight`: the slew
 * is allowed for.
 */
export function predictAdvance(
  p: NtpSlewParams,
  deadlines: "bent" | "straight",
): PredictedAdvance | undefined {
  const clock = new ClockArithmetic(p.hostKhz, p.hz);
  const cycles = (p.advanceWait * p.hostKhz * 2n + 1_000_000n) / 2_000_000n;
  const slow = deadlines === "bent" ? clock.slewedMult(-p.slew) : clock.rawMult;
  const unslewed = deadlines === "bent" ? clock.slewedMult(0n) : clock.rawMult;
  const khz = Number(p.hostKhz);
  let advanceNs = INITIAL_NS;
  let worstAfterPs = 0n;
  let isOnEdge = false;
  const unsure = ((DROPPED_NS + clock.unitOf(p.advanceWait)) * p.hostKhz) / 1_000_000n;
  /** One deadline: ps by which its callback is late, negative early. */
  const expire = (mult: bigint): bigint => {
    const armed = clock.armedPs(cycles) - BigInt(advanceNs) * PS_PER_NS;
    const late = clock.truePs(armed, mult) - clock.ps(cycles);
    const delta = (late * p.hostKhz) / (1_000_000n * PS_PER_NS);
    isOnEdge ||= magnitude(magnitude(delta) - TUNED_TO_CYCLES) <= unsure;
    advanceNs = adjustTimerAdvance(advanceNs, delta, khz);
    return late;
  };
  for (let n = 0; n < DEADLINES; n++) expire(slow);
  const settledNs = BigInt(advanceNs);
  for (let n = 0; n < DEADLINES; n++) {
    const late = expire(unslewed);
    // The wait before entry repays the advance as it is after the correction, and no more.
    const repaid = late + BigInt(advanceNs) * PS_PER_NS;
    const seen = late > 0n ? late : repaid < 0n ? repaid : 0n;
    if (magnitude(seen) > magnitude(worstAfterPs)) worstAfterPs = seen;
  }
  if (isOnEdge) return undefined;
  const toleranceNs =
    clock.ps(TUNED_FROM_CYCLES / STEP) / PS_PER_NS + clock.unitOf(2n * p.advanceWait) + STEP;
  return { settledNs, afterNs: BigInt(advanceNs), worstAfterPs, toleranceNs };
}
