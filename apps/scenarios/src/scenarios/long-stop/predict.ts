/**
 * What docs/model/hv-timer §6.2 and docs/model/scenarios-lapic §S004 say a stop leads to, worked out from the
 * parameters alone: arithmetic on the late target, no machine.
 */
import { getTimeScale, pvScale } from "@chronovisor/clocksource";
import { effectivePeriod } from "../timer-period.js";
import type { LongStopParams } from "./params.js";

const NS_PER_S = 1_000_000_000n;
const MAX_PASSES = 3;

/** The catch-up of one timer interrupt. */
export interface Storm {
  readonly callbacks: bigint;
  readonly firstPass: bigint;
  readonly passes: number;
  readonly busyNs: bigint;
}

/**
 * Callbacks of an hrtimer `lateNs` behind when its interrupt begins, one per period of the backlog, while each costs
 * `cost`. Undefined where three passes do not catch up and the kernel declares a hang.
 */
export function stormOf(lateNs: bigint, period: bigint, cost: bigint): Storm | undefined {
  let now = lateNs;
  let target = 0n;
  let callbacks = 0n;
  let firstPass = 0n;
  for (let passes = 1; passes <= MAX_PASSES; passes++) {
    const run = now >= target ? (now - target) / period + 1n : 0n;
    if (passes === 1) firstPass = run;
    callbacks += run;
    target += run * period;
    now += run * cost;
    if (now < target) return { callbacks, firstPass, passes, busyNs: now - lateNs };
  }
  return undefined;
}

/** Guest TSC at the first look at the expired timer, to the 250 ppm below which the hardware does not scale it. */
function guestTscAtLook(p: LongStopParams): bigint {
  const before = effectivePeriod(p.period) + p.stop;
  const ns = p.guestUptime > before ? p.guestUptime : before;
  return (((ns * p.hostHz) / NS_PER_S) * p.guestKhz) / p.hostKhz;
}

/**
 * Whether the deadline that `resync` computes from a negative remainder wraps into the past: the guest TSC has come
 * closer to 2^64 than the remainder, seen as unsigned and converted, leaves room for.
 */
export function negativeRemainderWraps(p: LongStopParams): boolean {
  const lateNs = p.stop - effectivePeriod(p.period);
  const { mul, shift } = getTimeScale(p.guestKhz * 1000n, NS_PER_S);
  const guestTsc = guestTscAtLook(p);
  return BigInt.asUintN(64, guestTsc + pvScale(2n ** 64n - lateNs, mul, shift)) <= guestTsc;
}

/** From one forced exit to the next, while the deadline lies behind. */
export function perExitNs(p: LongStopParams): bigint {
  return p.reexit + p.exitCost + p.entryCost;
}

/**
 * Exits until the deadline lies ahead, one per period, when each takes x = {@link perExitNs}: smallest n with
 * nP > L + (n−1)·x. For x below P; otherwise there is none.
 */
export function exitsToCatchUp(p: LongStopParams): bigint {
  const period = effectivePeriod(p.period);
  const perExit = perExitNs(p);
  return (p.stop - perExit) / (period - perExit) + 1n;
}
