import { hostTsc } from "@chronovisor/clocksource";
import {
  adjustTimerAdvance,
  advancePeriodic,
  divideCount,
  limitPeriodicTimerPeriod,
  MODE_MASK_PERIODIC,
  MODE_MASK_TSC_DEADLINE,
  periodFromCount,
  setTargetExpiration,
  type TimerModeNumber,
  tmcct,
  tmictToNs,
  updateTargetExpiration,
} from "@chronovisor/lapic";
import type { JudgeRow, Replay, Row } from "../replay.js";
import { big, bool, compare, list, MalformedRow, maybeBig, num, object, oneOf, text } from "../row-fields.js";
import { clockAt, device, POWER_ON, scaleColumns, tscColumns, tscView, vendorOf } from "./lapic-device.js";
import { createScenario } from "./lapic-scenario.js";

const TIMER_MODES: readonly TimerModeNumber[] = [0, 1, 2, 3];

/** Column `timer_mode` and its kin. */
function timerMode(row: Row, column: string): TimerModeNumber {
  const value = num(row, column);
  const mode = TIMER_MODES.find((known) => known === value);
  if (mode === undefined) throw new MalformedRow(column, "a timer mode 0 to 3", value);
  return mode;
}

const judgeDivideCount: JudgeRow = (row) =>
  compare({ divide_count: num(row, "divide_count") }, { divide_count: divideCount(num(row, "tdcr")) });

const judgeTmictToNs: JudgeRow = (row) => {
  const divide = divideCount(num(row, "tdcr"));
  const count = [num(row, "tmict"), big(row, "bus_cycle_ns"), divide] as const;
  return compare(
    { divide_count: num(row, "divide_count"), ns: big(row, "ns"), ns_as_period: big(row, "ns_as_period") },
    { divide_count: divide, ns: tmictToNs(...count), ns_as_period: periodFromCount(...count) },
  );
};

const judgeLimitPeriod: JudgeRow = (row) =>
  compare(
    { period_out: big(row, "period_out") },
    {
      period_out: limitPeriodicTimerPeriod(
        timerMode(row, "timer_mode"),
        big(row, "period_in"),
        num(row, "min_timer_period_us"),
      ),
    },
  );

const judgeTmcct: JudgeRow = (row) => {
  const tdcr = num(row, "tdcr");
  const tmict = num(row, "tmict");
  const busCycleNs = big(row, "bus_cycle_ns");
  const period = big(row, "period");
  const target = big(row, "target_expiration");
  const now = big(row, "now");
  const { timer } = device({
    clock: clockAt({ now }),
    tsc: tscView({ khz: 0 }),
    config: { busCycleNs },
    state: {
      tdcr,
      tmict,
      mode: timerMode(row, "timer_mode"),
      period: period.toString(),
      target: target.toString(),
    },
  });
  return compare(
    { tmcct: num(row, "tmcct"), reg_read: num(row, "reg_read") },
    {
      tmcct: tmcct({ tmict, divide: divideCount(tdcr), busCycleNs, period, target, now }),
      reg_read: timer.readTmcct(),
    },
  );
};

const judgeLvttWrite: JudgeRow = (row) => {
  const { timer, hrtimer } = device({
    clock: clockAt({}),
    tsc: tscView({ khz: 0 }),
    swEnabled: bool(row, "sw_enabled"),
    state: {
      modeMask: bool(row, "tsc_deadline_supported") ? MODE_MASK_TSC_DEADLINE : MODE_MASK_PERIODIC,
      mode: timerMode(row, "timer_mode_in"),
      tmict: num(row, "tmict_in"),
      period: text(row, "period_in"),
      tscDeadline: text(row, "tscdeadline_in"),
      pending: num(row, "pending_in"),
      hrtimerExpiresNs: bool(row, "active_in") ? "0" : null,
    },
  });
  timer.writeLvtt(num(row, "val"));
  return compare(
    {
      lvtt: num(row, "lvtt"),
      timer_mode: num(row, "timer_mode"),
      tmict: num(row, "tmict"),
      period: big(row, "period"),
      tscdeadline: big(row, "tscdeadline"),
      active: bool(row, "active"),
      pending: num(row, "pending"),
    },
    {
      lvtt: timer.lvtt,
      timer_mode: timer.mode,
      tmict: timer.tmict,
      period: timer.period,
      tscdeadline: timer.tscDeadline,
      active: hrtimer.armed,
      pending: timer.pending,
    },
  );
};

const judgeSetTargetExpiration: JudgeRow = (row) => {
  const started = setTargetExpiration(
    {
      mode: timerMode(row, "timer_mode"),
      tmict: num(row, "tmict"),
      divide: divideCount(num(row, "tdcr")),
      busCycleNs: big(row, "bus_cycle_ns"),
      minTimerPeriodUs: POWER_ON.minTimerPeriodUs,
      countReg: oneOf(row, "count_reg", ["TMICT", "TMCCT"]),
      tmcct: num(row, "tmcct_in"),
      oneshotRestore: "fire",
      hostTsc: big(row, "host_tsc"),
      now: big(row, "now"),
      target: BigInt(POWER_ON.target),
    },
    tscView({ ...tscColumns(row), vendor: vendorOf(row) }),
  );
  return compare(
    {
      ok: bool(row, "ok"),
      period: big(row, "period"),
      tscdeadline: big(row, "tscdeadline"),
      target_expiration: big(row, "target_expiration"),
      tmcct_out: num(row, "tmcct_out"),
    },
    {
      ok: started.ok,
      period: started.period,
      tscdeadline: started.tscDeadline,
      target_expiration: started.target,
      tmcct_out: started.tmcct,
    },
  );
};

const judgeUpdateTargetExpiration: JudgeRow = (row) => {
  const rescaled = updateTargetExpiration(
    {
      mode: timerMode(row, "timer_mode"),
      tmict: num(row, "tmict"),
      busCycleNs: 1n,
      minTimerPeriodUs: POWER_ON.minTimerPeriodUs,
      oldDivide: num(row, "old_divisor"),
      newDivide: num(row, "new_divisor"),
      tscDeadline: big(row, "tscdeadline_in"),
      target: big(row, "target_in"),
      now: big(row, "now"),
    },
    tscView({ khz: num(row, "guest_khz"), scale: scaleColumns(row) }),
  );
  return compare(
    {
      period: big(row, "period"),
      tscdeadline: big(row, "tscdeadline"),
      target_expiration: big(row, "target_expiration"),
    },
    { period: rescaled.period, tscdeadline: rescaled.tscDeadline, target_expiration: rescaled.target },
  );
};

const GENERATIONS = [
  ["v1", "independent"],
  ["v2", "resync"],
  ["v3", "resync-clamped"],
] as const;

const judgePeriodicAdvance: JudgeRow = (row) => {
  const tsc = tscView({ ...tscColumns(row), vendor: vendorOf(row) });
  const period = big(row, "period");
  const ticks = list(row, "ticks").map((tick) => object({ tick: { ...(tick as object) } }, "tick"));
  const expected: Record<string, unknown> = {};
  const got: Record<string, unknown> = {};
  for (const [column, rule] of GENERATIONS) {
    let at = { target: big(row, "start_target"), tscDeadline: big(row, "start_tscdeadline") };
    expected[column] = list(row, column);
    got[column] = ticks.map((tick) => {
      const clock = clockAt({ now: big(tick, "0"), tscs: [big(tick, "1")] });
      at = advancePeriodic(rule, { period, ...at }, clock, tsc);
      return [at.target, at.tscDeadline];
    });
  }
  return compare(expected, got);
};

const judgeAdjustTimerAdvance: JudgeRow = (row) =>
  compare(
    { advance_ns_out: num(row, "advance_ns_out") },
    {
      advance_ns_out: adjustTimerAdvance(
        num(row, "advance_ns_in"),
        big(row, "advance_expire_delta"),
        num(row, "guest_khz"),
      ),
    },
  );

const judgeWaitLapicExpire: JudgeRow = (row) => {
  const { timer } = device({
    clock: clockAt({ tscs: [big(row, "host_tsc_first"), big(row, "host_tsc_second")] }),
    tsc: tscView({ ...tscColumns(row), vendor: vendorOf(row) }),
    state: {
      expiredTsc: text(row, "expired_tscdeadline"),
      advance: { ns: num(row, "advance_ns_in"), tuning: true },
    },
  });
  const wait = timer.waitBeforeEntry("present");
  return compare(
    {
      advance_ns_out: num(row, "advance_ns_out"),
      delay_kind: oneOf(row, "delay_kind", ["none", "cycles", "ns"]),
      delay_value: big(row, "delay_value"),
    },
    {
      advance_ns_out: timer.advanceNs,
      delay_kind: wait.kind,
      delay_value: wait.kind === "none" ? 0n : wait.kind === "cycles" ? wait.cycles : wait.ns,
    },
  );
};

const judgeSwTscDeadline: JudgeRow = (row) => {
  const host = big(row, "host_tsc");
  const tsc = tscView({
    khz: num(row, "virtual_tsc_khz"),
    vendor: vendorOf(row),
    ratio: big(row, "ratio"),
    offset: big(row, "l1_tsc_offset"),
  });
  const { timer, hrtimer } = device({
    clock: clockAt({ now: big(row, "now"), tscs: [host] }),
    tsc,
    state: { mode: 2, advance: { ns: num(row, "advance_ns"), tuning: false } },
  });
  timer.writeTscDeadline(big(row, "tscdeadline"));
  return compare(
    {
      guest_tsc: big(row, "guest_tsc"),
      action: oneOf(row, "action", ["hrtimer", "immediate", "none"]),
      expiry: maybeBig(row, "expiry"),
      pending: num(row, "pending"),
      expired_tscdeadline: big(row, "expired_tscdeadline"),
    },
    {
      guest_tsc: tsc.readL1(hostTsc(host)),
      action: hrtimer.armed ? "hrtimer" : timer.pending === 0 ? "none" : "immediate",
      expiry: timer.hrtimerExpiresNs,
      pending: timer.pending,
      expired_tscdeadline: timer.expiredTsc,
    },
  );
};

const replay = (file: string, judge: JudgeRow): Replay => ({ area: "lapic", file, create: () => judge });

/** Replays of `lapic/`. */
export const lapicReplays: readonly Replay[] = [
  replay("divide_count", judgeDivideCount),
  replay("tmict_to_ns", judgeTmictToNs),
  replay("limit_period", judgeLimitPeriod),
  replay("tmcct", judgeTmcct),
  replay("lvtt_write", judgeLvttWrite),
  replay("set_target_expiration", judgeSetTargetExpiration),
  replay("update_target_expiration", judgeUpdateTargetExpiration),
  replay("periodic_advance", judgePeriodicAdvance),
  replay("adjust_timer_advance", judgeAdjustTimerAdvance),
  replay("wait_lapic_expire", judgeWaitLapicExpire),
  replay("sw_tscdeadline", judgeSwTscDeadline),
  { area: "lapic", file: "scenario", create: createScenario },
];
