import type { HostClock, VcpuTscView } from "@chronovisor/clocksource";
import { checkOneOf, checkS64, checkU64 } from "../arguments.js";
import {
  LAPIC_TIMER_BEHAVIOURS,
  type LapicTimerBehaviours,
  PERIODIC_ADVANCE_PROPOSALS,
} from "./behaviours.js";

/*
 * A periodic timer keeps two deadlines, one per backend: the target in CLOCK_MONOTONIC ns for the hrtimer, and the
 * deadline in guest TSC cycles for the preemption timer. Each expiry moves both on by one period P.
 *
 *   independent     T += P                  D += n2c(P)              the two part by rounding and NTP, without bound
 *   resync          T += P                  D = L1(h) + n2c(T - now) a remainder below 0 becomes about 2^63 cycles
 *   resync-clamped  T = max(T + P, now)     D = L1(h) + n2c(T - now) missed periods are dropped
 *
 * `now` is sampled before `h` (docs/model/hv-timer §6). T wraps as s64, D as u64.
 */

/** The two deadlines, their period, and the period in cycles as last converted. */
export interface PeriodicDeadlines {
  /** ns, s64. */
  period: bigint;
  /** CLOCK_MONOTONIC ns, s64. */
  target: bigint;
  /** Guest TSC cycles, u64. */
  tscDeadline: bigint;
  /** `nsToCycles(periodCyclesOf)` at `periodCyclesKhz`: the conversion costs more than the whole advance. */
  periodCycles: bigint;
  periodCyclesOf: bigint;
  /** −1 before the first conversion. */
  periodCyclesKhz: number;
}

/** Moves both deadlines on by one period. */
export type PeriodicAdvanceRule = (deadlines: PeriodicDeadlines, clock: HostClock, tsc: VcpuTscView) => void;

/** n2c(P), converted once per period and guest frequency. */
export function periodInCycles(d: PeriodicDeadlines, tsc: VcpuTscView): bigint {
  const khz = tsc.virtualTscKhz;
  if (d.periodCyclesKhz !== khz || d.periodCyclesOf !== d.period) {
    d.periodCycles = tsc.nsToCycles(BigInt.asUintN(64, d.period));
    d.periodCyclesOf = d.period;
    d.periodCyclesKhz = khz;
  }
  return d.periodCycles;
}

function independent(d: PeriodicDeadlines, _clock: HostClock, tsc: VcpuTscView): void {
  d.tscDeadline = BigInt.asUintN(64, d.tscDeadline + periodInCycles(d, tsc));
  d.target = BigInt.asIntN(64, d.target + d.period);
}

function resync(d: PeriodicDeadlines, clock: HostClock, tsc: VcpuTscView): void {
  const now = clock.monotonicNs();
  const h = clock.tsc();
  d.target = BigInt.asIntN(64, d.target + d.period);
  d.tscDeadline = BigInt.asUintN(64, tsc.readL1(h) + tsc.nsToCycles(BigInt.asUintN(64, d.target - now)));
}

function resyncClamped(d: PeriodicDeadlines, clock: HostClock, tsc: VcpuTscView): void {
  const now = clock.monotonicNs();
  const h = clock.tsc();
  const next = BigInt.asIntN(64, d.target + d.period);
  d.target = next < now ? now : next;
  d.tscDeadline = BigInt.asUintN(64, tsc.readL1(h) + tsc.nsToCycles(BigInt.asUintN(64, d.target - now)));
}

function resyncSigned(d: PeriodicDeadlines, clock: HostClock, tsc: VcpuTscView): void {
  const now = clock.monotonicNs();
  const h = clock.tsc();
  d.target = BigInt.asIntN(64, d.target + d.period);
  const left = BigInt.asIntN(64, d.target - now);
  const cycles = left < 0n ? -tsc.nsToCycles(-left) : tsc.nsToCycles(left);
  d.tscDeadline = BigInt.asUintN(64, tsc.readL1(h) + cycles);
}

function resyncClampedOnePeriodBack(d: PeriodicDeadlines, clock: HostClock, tsc: VcpuTscView): void {
  const now = clock.monotonicNs();
  const h = clock.tsc();
  const next = BigInt.asIntN(64, d.target + d.period);
  const oldest = BigInt.asIntN(64, now - d.period);
  d.target = next < oldest ? oldest : next;
  d.tscDeadline = BigInt.asUintN(64, tsc.readL1(h) + tsc.nsToCycles(BigInt.asUintN(64, d.target - now)));
}

function resyncClampedMisassigned(d: PeriodicDeadlines, clock: HostClock, tsc: VcpuTscView): void {
  const now = clock.monotonicNs();
  const h = clock.tsc();
  const next = BigInt.asIntN(64, d.target + d.period);
  const target = next < now ? now : next;
  // The mistake under study: cycles where nanoseconds belong, and a deadline that never moves.
  d.target = BigInt.asIntN(64, tsc.readL1(h) + tsc.nsToCycles(BigInt.asUintN(64, target - now)));
}

/** The rule of each value, the three released generations first. */
export const PERIODIC_ADVANCE_RULES: Readonly<
  Record<LapicTimerBehaviours["periodicAdvance"], PeriodicAdvanceRule>
> = {
  independent,
  resync,
  "resync-clamped": resyncClamped,
  "resync-clamped-misassigned": resyncClampedMisassigned,
  "resync-signed": resyncSigned,
  "resync-clamped-one-period-back": resyncClampedOnePeriodBack,
};

/** Every value of the axis, proposals included. */
export const PERIODIC_ADVANCE_VALUES: readonly LapicTimerBehaviours["periodicAdvance"][] = [
  ...LAPIC_TIMER_BEHAVIOURS.periodicAdvance,
  ...(Object.keys(PERIODIC_ADVANCE_PROPOSALS) as (keyof typeof PERIODIC_ADVANCE_PROPOSALS)[]),
];

/** The two deadlines after an advance. */
export interface AdvancedDeadlines {
  /** CLOCK_MONOTONIC ns, s64. */
  readonly target: bigint;
  /** Guest TSC cycles, u64. */
  readonly tscDeadline: bigint;
}

/**
 * Both deadlines of a periodic timer one period later, by one kernel generation's rule
 * (`advance_periodic_target_expiration`, docs/model/hv-timer §6). Target wraps at signed, deadline at unsigned 64 bits;
 * conversions truncate.
 *
 * @param rule - a value of the `periodicAdvance` axis or a proposal.
 * @param from - period and target in ns (s64), deadline in guest cycles (u64).
 * @param clock - read by every rule but `independent`: `monotonicNs()` first, then `tsc()`.
 * @param tsc - the vCPU's TSC.
 * @returns the new pair.
 * @throws RangeError or TypeError for an argument outside its domain.
 * @example
 * const view = { readL1: (h) => h, nsToCycles: (ns) => ns, virtualTscKhz: 1_000_000, l1Ratio: 1n << 48n, fractionBits: 48 };
 * const late = { monotonicNs: () => 5_000n, tsc: () => 9_000n, sample: () => ({ monotonicNs: 5_000n, tsc: 9_000n }) };
 * advancePeriodic("resync-clamped", { period: 1_000n, target: 2_000n, tscDeadline: 0n }, late, view) // => { target: 5000n, tscDeadline: 9000n }
 */
export function advancePeriodic(
  rule: LapicTimerBehaviours["periodicAdvance"],
  from: { readonly period: bigint; readonly target: bigint; readonly tscDeadline: bigint },
  clock: HostClock,
  tsc: VcpuTscView,
): AdvancedDeadlines {
  checkOneOf("advancePeriodic", "rule", rule, PERIODIC_ADVANCE_VALUES);
  checkS64("advancePeriodic", "period", from.period);
  checkS64("advancePeriodic", "target", from.target);
  checkU64("advancePeriodic", "tscDeadline", from.tscDeadline);
  const deadlines: PeriodicDeadlines = {
    period: from.period,
    target: from.target,
    tscDeadline: from.tscDeadline,
    periodCycles: 0n,
    periodCyclesOf: 0n,
    periodCyclesKhz: -1,
  };
  PERIODIC_ADVANCE_RULES[rule](deadlines, clock, tsc);
  return { target: deadlines.target, tscDeadline: deadlines.tscDeadline };
}
