import {
  HRTIMER_MODE_ABS,
  HRTIMER_MODE_HARD,
  HRTIMER_MODE_PINNED,
  type HrtimerMode,
  type Timer,
} from "@chronovisor/hrtimer";
import { checkOneOf } from "../arguments.js";
import { ADVANCE_WAIT_UNITS } from "./advance-wait.js";
import {
  LAPIC_TIMER_BEHAVIOURS,
  type LapicTimerAxis,
  type LapicTimerBehaviours,
  NEWEST_LAPIC_TIMER_BEHAVIOURS,
} from "./behaviours.js";
import { DEADLINE_CLOCK_VALUES } from "./deadline-clock.js";
import type { TimerFields } from "./fields.js";
import {
  PERIODIC_ADVANCE_RULES,
  PERIODIC_ADVANCE_VALUES,
  type PeriodicAdvanceRule,
} from "./periodic-advance.js";

/*
 * From the value of an axis to what it does. This is the only place that knows; the device calls the functions.
 * `unblockToHv` is the run loop's, `advance` the TimerAdvance's and `deadlineClock` the DeadlineTimer's.
 */

type Tables = {
  readonly hrtimerRearm: Record<
    LapicTimerBehaviours["hrtimerRearm"],
    (timer: Timer, f: TimerFields) => bigint
  >;
  readonly period0: Record<LapicTimerBehaviours["period0"], { readonly stops: boolean }>;
  readonly switchToSw: Record<LapicTimerBehaviours["switchToSw"], { readonly expiresPastPeriodic: boolean }>;
  readonly hvModes: Record<LapicTimerBehaviours["hvModes"], readonly [boolean, boolean, boolean, boolean]>;
  readonly timerPlacement: Record<LapicTimerBehaviours["timerPlacement"], Placement>;
  readonly tdcr: Record<LapicTimerBehaviours["tdcr"], { readonly rescales: boolean }>;
};

/** How the hrtimer is started, how its expiry reaches the vCPU, and whether it may post. */
export interface Placement {
  readonly mode: HrtimerMode;
  readonly notify: "wake" | "kick";
  readonly posts: boolean;
}

const TABLES: Tables = {
  hrtimerRearm: {
    "add-period": (timer, f) => BigInt.asIntN(64, timer.expiresNs + f.period),
    "set-target": (_timer, f) => f.target,
  },
  period0: { restart: { stops: false }, "stop-and-warn": { stops: true } },
  switchToSw: {
    "arm-past": { expiresPastPeriodic: false },
    "expire-and-advance": { expiresPastPeriodic: true },
  },
  hvModes: {
    // one-shot, periodic, TSC deadline, reserved
    none: [false, false, false, false],
    deadline: [false, false, true, false],
    all: [true, true, true, true],
  },
  timerPlacement: {
    unpinned: { mode: HRTIMER_MODE_ABS, notify: "wake", posts: false },
    pinned: { mode: HRTIMER_MODE_ABS | HRTIMER_MODE_PINNED, notify: "wake", posts: false },
    "unpinned-kick": { mode: HRTIMER_MODE_ABS | HRTIMER_MODE_HARD, notify: "kick", posts: false },
    posted: { mode: HRTIMER_MODE_ABS | HRTIMER_MODE_HARD, notify: "kick", posts: true },
  },
  tdcr: { "at-next-tmict": { rescales: false }, immediate: { rescales: true } },
};

/** What one timer's behaviours do. */
export interface TimerRules {
  readonly advancePeriodic: PeriodicAdvanceRule;
  readonly rearm: (timer: Timer, f: TimerFields) => bigint;
  readonly zeroPeriodStops: boolean;
  readonly expiresPastPeriodic: boolean;
  /** By timer mode. */
  readonly hvServes: readonly boolean[];
  readonly placement: Placement;
  readonly waitUnit: (typeof ADVANCE_WAIT_UNITS)[LapicTimerBehaviours["advanceWait"]];
  readonly tdcrRescales: boolean;
}

/** Values of an axis that has more than the released ones. */
const WITH_EXPERIMENTS: Partial<Record<LapicTimerAxis, readonly string[]>> = {
  periodicAdvance: PERIODIC_ADVANCE_VALUES,
  deadlineClock: DEADLINE_CLOCK_VALUES,
};

/** `chosen` with the newest kernel's values where it says nothing; throws RangeError for an unknown value. */
export function completeBehaviours(chosen: Partial<LapicTimerBehaviours>): LapicTimerBehaviours {
  const complete = { ...NEWEST_LAPIC_TIMER_BEHAVIOURS, ...chosen };
  for (const axis of Object.keys(LAPIC_TIMER_BEHAVIOURS) as LapicTimerAxis[]) {
    const values = WITH_EXPERIMENTS[axis] ?? LAPIC_TIMER_BEHAVIOURS[axis];
    checkOneOf<string>("LapicTimer", `behaviours.${axis}`, complete[axis], values);
  }
  return complete;
}

/** The functions behind complete behaviours. */
export function rulesOf(behaviours: LapicTimerBehaviours): TimerRules {
  return {
    advancePeriodic: PERIODIC_ADVANCE_RULES[behaviours.periodicAdvance],
    rearm: TABLES.hrtimerRearm[behaviours.hrtimerRearm],
    zeroPeriodStops: TABLES.period0[behaviours.period0].stops,
    expiresPastPeriodic: TABLES.switchToSw[behaviours.switchToSw].expiresPastPeriodic,
    hvServes: TABLES.hvModes[behaviours.hvModes],
    placement: TABLES.timerPlacement[behaviours.timerPlacement],
    waitUnit: ADVANCE_WAIT_UNITS[behaviours.advanceWait],
    tdcrRescales: TABLES.tdcr[behaviours.tdcr].rescales,
  };
}
