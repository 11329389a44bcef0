import type { Timer } from "@chronovisor/hrtimer";
import { checkInteger, checkOneOf, checkS64, checkU32, checkU64 } from "../arguments.js";
import type { TimerAdvance, TimerAdvanceState } from "./advance.js";
import { divideOf } from "./count.js";
import type { DeadlineTimer, DeadlineTimerState } from "./deadline-timer.js";
import type { TimerFields } from "./fields.js";
import {
  MODE_MASK_NONE,
  MODE_MASK_PERIODIC,
  MODE_MASK_TSC_DEADLINE,
  type TimerModeNumber,
} from "./registers.js";

/** JSON form of a LapicTimer: registers as numbers, 64-bit values as decimal strings. */
export interface LapicTimerState {
  readonly lvtt: number;
  readonly tmict: number;
  readonly tdcr: number;
  readonly mode: TimerModeNumber;
  readonly modeMask: number;
  readonly minTimerPeriodUs: number;
  readonly period: string;
  readonly target: string;
  readonly tscDeadline: string;
  readonly expiredTsc: string;
  readonly pending: number;
  readonly hvInUse: boolean;
  readonly advance: TimerAdvanceState;
  /** CLOCK_MONOTONIC ns the hrtimer is armed for, null when it is not. */
  readonly hrtimerExpiresNs: string | null;
  /** Present only under a `deadlineClock` that keeps more. */
  readonly deadlineTimer?: DeadlineTimerState;
}

/** The JSON form of a timer. */
export function saveState(
  f: TimerFields,
  advance: TimerAdvance,
  hrtimer: Timer,
  deadline: DeadlineTimer,
): LapicTimerState {
  const deadlineTimer = deadline.state();
  return {
    lvtt: f.lvtt,
    tmict: f.tmict,
    tdcr: f.tdcr,
    mode: f.mode,
    modeMask: f.modeMask,
    minTimerPeriodUs: f.minTimerPeriodUs,
    period: f.period.toString(),
    target: f.target.toString(),
    tscDeadline: f.tscDeadline.toString(),
    expiredTsc: f.expiredTsc.toString(),
    pending: f.pending,
    hvInUse: f.hvInUse,
    advance: advance.state(),
    hrtimerExpiresNs: hrtimer.armed ? hrtimer.expiresNs.toString() : null,
    ...(deadlineTimer === undefined ? {} : { deadlineTimer }),
  };
}

/** Throws unless `mask` is a mode mask. */
export function checkModeMask(fn: string, mask: number): void {
  checkOneOf(fn, "modeMask", mask, [MODE_MASK_NONE, MODE_MASK_PERIODIC, MODE_MASK_TSC_DEADLINE]);
}

/** Fills `f` from `state`; returns what the hrtimer was armed for. */
export function loadState(f: TimerFields, state: LapicTimerState): bigint | undefined {
  const fn = "LapicTimer.fromState";
  checkU32(fn, "lvtt", state.lvtt);
  checkU32(fn, "tmict", state.tmict);
  checkU32(fn, "tdcr", state.tdcr);
  checkInteger(fn, "mode", state.mode, 0, 3);
  checkModeMask(fn, state.modeMask);
  checkU32(fn, "minTimerPeriodUs", state.minTimerPeriodUs);
  checkInteger(fn, "pending", state.pending, 0, 1);
  checkOneOf(fn, "hvInUse", state.hvInUse, [false, true]);
  f.lvtt = state.lvtt;
  f.tmict = state.tmict;
  f.tdcr = state.tdcr;
  f.divide = divideOf(state.tdcr);
  f.mode = state.mode;
  f.modeMask = state.modeMask;
  f.minTimerPeriodUs = state.minTimerPeriodUs;
  f.period = signed(fn, "period", state.period);
  f.target = signed(fn, "target", state.target);
  f.tscDeadline = unsigned(fn, "tscDeadline", state.tscDeadline);
  f.expiredTsc = unsigned(fn, "expiredTsc", state.expiredTsc);
  f.pending = state.pending;
  f.hvInUse = state.hvInUse;
  return state.hrtimerExpiresNs === null ? undefined : signed(fn, "hrtimerExpiresNs", state.hrtimerExpiresNs);
}

function signed(fn: string, what: string, decimal: string): bigint {
  const value = BigInt(decimal);
  checkS64(fn, what, value);
  return value;
}

function unsigned(fn: string, what: string, decimal: string): bigint {
  const value = BigInt(decimal);
  checkU64(fn, what, value);
  return value;
}
