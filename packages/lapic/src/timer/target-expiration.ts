import type { HostTsc, VcpuTscView } from "@chronovisor/clocksource";
import { checkInteger, checkOneOf, checkS64, checkU32, checkU64 } from "../arguments.js";
import type { LapicTimerBehaviours } from "./behaviours.js";
import { limitPeriod, ticksToNs } from "./count.js";
import { TIMER_MODE_ONE_SHOT, TIMER_MODE_PERIODIC, type TimerModeNumber } from "./registers.js";

/** The registers and parameters that decide how long a count runs. */
export interface CountConfiguration {
  readonly mode: TimerModeNumber;
  /** Initial count, u32. */
  readonly tmict: number;
  /** Length of one bus cycle in ns, u64. */
  readonly busCycleNs: bigint;
  /** Lower limit of a periodic timer's period in µs, u32. */
  readonly minTimerPeriodUs: number;
}

/** What a start needs: {@link setTargetExpiration}. */
export interface StartInputs extends CountConfiguration {
  /** Divisor, 1 … 128. */
  readonly divide: number;
  /** The register the first interval comes from: TMICT for a guest's write, TMCCT for a restore. */
  readonly countReg: "TMICT" | "TMCCT";
  /** The saved current count, u32; only read for `countReg` TMCCT. */
  readonly tmcct: number;
  /** What a saved count of 0 means for a one-shot. */
  readonly oneshotRestore: LapicTimerBehaviours["oneshotRestore"];
  /** Host TSC, sampled first, u64. */
  readonly hostTsc: bigint;
  /** CLOCK_MONOTONIC, sampled second, s64. */
  readonly now: bigint;
  /** The target before, s64: kept when nothing is started. */
  readonly target: bigint;
}

/** What a start leaves. */
export interface StartedTimer {
  /** False when the count is 0: nothing is to be armed. */
  readonly ok: boolean;
  /** ns, s64. */
  readonly period: bigint;
  /** Guest TSC cycles, u64. */
  readonly tscDeadline: bigint;
  /** CLOCK_MONOTONIC ns, s64. */
  readonly target: bigint;
  /** The current count register after: 0 when a saved count above the period was clamped. */
  readonly tmcct: number;
}

type SavedZero = (mode: number, period: bigint) => bigint;

/** First interval of a restore whose saved count is 0 or below. */
const SAVED_ZERO: Readonly<Record<LapicTimerBehaviours["oneshotRestore"], SavedZero>> = {
  "full-period": (_mode, period) => period,
  // The deadline may have passed while the vCPU was not running on the preemption timer.
  fire: (mode, period) => (mode === TIMER_MODE_PERIODIC ? period : 0n),
};

/** Unchecked kernel of {@link setTargetExpiration}. */
export function startCount(inputs: StartInputs, tsc: VcpuTscView): StartedTimer {
  const { mode, divide, busCycleNs, target, tmcct, hostTsc, now } = inputs;
  const full = BigInt.asIntN(64, ticksToNs(inputs.tmict, busCycleNs, divide));
  if (full === 0n) return { ok: false, period: 0n, tscDeadline: 0n, target, tmcct };
  const period = limitPeriod(mode, full, inputs.minTimerPeriodUs);
  let interval = period;
  let count = tmcct;
  // A saved count means something only where the count does: in the other modes the full interval stands.
  if (inputs.countReg === "TMCCT" && (mode === TIMER_MODE_ONE_SHOT || mode === TIMER_MODE_PERIODIC)) {
    interval = BigInt.asIntN(64, ticksToNs(tmcct, busCycleNs, divide));
    if (interval <= 0n) {
      interval = SAVED_ZERO[inputs.oneshotRestore](mode, period);
    } else if (interval > period) {
      interval = period;
      count = 0;
    }
  }
  return {
    ok: true,
    period,
    // Both sums wrap at 64 bits: a negative interval is converted as the u64 it is stored in.
    tscDeadline: BigInt.asUintN(
      64,
      tsc.readL1(hostTsc as HostTsc) + tsc.nsToCycles(BigInt.asUintN(64, interval)),
    ),
    target: BigInt.asIntN(64, now + interval),
    tmcct: count,
  };
}

/**
 * Period and both deadlines of a one-shot or periodic timer that starts now (`set_target_expiration`,
 * docs/model/lapic §7.6; restore §8). An initial count of 0 stops: period and deadline 0, target kept. The guest
 * deadline wraps at 64 bits unsigned, the target at 64 bits signed; cycles truncate.
 *
 * @param inputs - registers, parameters and the two samples; see {@link StartInputs}.
 * @param tsc - the vCPU's TSC.
 * @returns the timer's fields; see {@link StartedTimer}.
 * @throws RangeError or TypeError for an argument outside its domain.
 * @example
 * const cpu = { readL1: (h) => h, nsToCycles: (ns) => ns, virtualTscKhz: 1_000_000, l1Ratio: 1n << 48n, fractionBits: 48 };
 * const registers = { mode: 1, tmict: 1_000_000, divide: 1, busCycleNs: 1n, minTimerPeriodUs: 200, target: 0n };
 * setTargetExpiration({ ...registers, countReg: "TMCCT", tmcct: 4_000, oneshotRestore: "fire", hostTsc: 70n, now: 50n }, cpu).target // => 4050n
 */
export function setTargetExpiration(inputs: StartInputs, tsc: VcpuTscView): StartedTimer {
  const fn = "setTargetExpiration";
  checkConfiguration(fn, inputs);
  checkInteger(fn, "divide", inputs.divide, 1, 128);
  checkOneOf(fn, "countReg", inputs.countReg, ["TMICT", "TMCCT"]);
  checkU32(fn, "tmcct", inputs.tmcct);
  checkOneOf(fn, "oneshotRestore", inputs.oneshotRestore, ["full-period", "fire"]);
  checkU64(fn, "hostTsc", inputs.hostTsc);
  checkS64(fn, "now", inputs.now);
  checkS64(fn, "target", inputs.target);
  return startCount(inputs, tsc);
}

/** What a divisor change needs: {@link updateTargetExpiration}. */
export interface RescaleInputs extends CountConfiguration {
  readonly oldDivide: number;
  readonly newDivide: number;
  /** Guest TSC cycles, u64. */
  readonly tscDeadline: bigint;
  /** CLOCK_MONOTONIC ns, s64. */
  readonly target: bigint;
  /** CLOCK_MONOTONIC now, s64. */
  readonly now: bigint;
}

/** What a divisor change leaves: the period in ns, and the deadlines in guest cycles and in CLOCK_MONOTONIC ns. */
export interface RescaledTimer {
  readonly period: bigint;
  readonly tscDeadline: bigint;
  readonly target: bigint;
}

/** Unchecked kernel of {@link updateTargetExpiration}. */
export function rescaleCount(inputs: RescaleInputs, tsc: VcpuTscView): RescaledTimer {
  const { mode, newDivide, now } = inputs;
  const full = BigInt.asIntN(64, ticksToNs(inputs.tmict, inputs.busCycleNs, newDivide));
  const left = BigInt.asIntN(64, inputs.target - now);
  const before = left < 0n ? 0n : left;
  const after = BigInt.asUintN(64, (before * BigInt(newDivide)) / BigInt(inputs.oldDivide));
  return {
    period: limitPeriod(mode, full, inputs.minTimerPeriodUs),
    tscDeadline: BigInt.asUintN(64, inputs.tscDeadline + tsc.nsToCycles(after) - tsc.nsToCycles(before)),
    target: BigInt.asIntN(64, now + after),
  };
}

/**
 * Period and both deadlines after the divisor of a running count changed: the count in the register is kept, the time
 * left is scaled by `newDivide / oldDivide`, rounded down, and 0 for a target already past
 * (`update_target_expiration`, docs/model/lapic §7.4). Sums wrap at 64 bits.
 *
 * @param inputs - registers, both divisors, the deadlines and the instant; see {@link RescaleInputs}.
 * @param tsc - the vCPU's TSC; only `nsToCycles` is used.
 * @returns the timer's fields; see {@link RescaledTimer}.
 * @throws RangeError or TypeError for an argument outside its domain.
 * @example
 * const vcpu = { readL1: (h) => h, nsToCycles: (ns) => ns, virtualTscKhz: 1_000_000, l1Ratio: 1n << 48n, fractionBits: 48 };
 * const running = { mode: 0, tmict: 1_000_000, busCycleNs: 1n, minTimerPeriodUs: 200, tscDeadline: 2_000_000n, target: 2_000_000n };
 * updateTargetExpiration({ ...running, oldDivide: 2, newDivide: 4, now: 500_000n }, vcpu) // => { period: 4000000n, tscDeadline: 3500000n, target: 3500000n }
 */
export function updateTargetExpiration(inputs: RescaleInputs, tsc: VcpuTscView): RescaledTimer {
  const fn = "updateTargetExpiration";
  checkConfiguration(fn, inputs);
  checkInteger(fn, "oldDivide", inputs.oldDivide, 1, 128);
  checkInteger(fn, "newDivide", inputs.newDivide, 1, 128);
  checkU64(fn, "tscDeadline", inputs.tscDeadline);
  checkS64(fn, "target", inputs.target);
  checkS64(fn, "now", inputs.now);
  return rescaleCount(inputs, tsc);
}

function checkConfiguration(fn: string, inputs: CountConfiguration): void {
  checkInteger(fn, "mode", inputs.mode, 0, 3);
  checkU32(fn, "tmict", inputs.tmict);
  checkU64(fn, "busCycleNs", inputs.busCycleNs);
  checkU32(fn, "minTimerPeriodUs", inputs.minTimerPeriodUs);
}
