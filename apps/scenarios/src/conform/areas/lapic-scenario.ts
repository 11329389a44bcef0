import { monotonicNs } from "@chronovisor/clocksource";
import { PreemptionTimer } from "@chronovisor/lapic";
import type { JudgeRow, Mismatch, Row } from "../replay.js";
import { big, bool, compare, MalformedRow, maybeBig, num, text } from "../row-fields.js";
import { type Device, device, StillClock, tscColumns, tscView } from "./lapic-device.js";

type Operation = (machine: Device, row: Row) => bigint;

/** An operation without a result: the file writes 0. */
const act =
  (operation: (machine: Device, row: Row) => void): Operation =>
  (machine, row) => {
    operation(machine, row);
    return 0n;
  };

const u32 = (row: Row): number => Number(big(row, "arg"));

const OPERATIONS: Readonly<Record<string, Operation>> = {
  write_lvtt: act(({ timer }, row) => timer.writeLvtt(u32(row))),
  write_tmict: act(({ timer }, row) => timer.writeTmict(u32(row))),
  write_tdcr: act(({ timer }, row) => timer.writeTdcr(u32(row))),
  write_tsc_deadline: act(({ timer }, row) => timer.writeTscDeadline(big(row, "arg"))),
  read_tmcct: ({ timer }) => BigInt(timer.readTmcct()),
  hrtimer_fire: ({ hrtimer }) => (hrtimer.fire() ? 1n : 0n),
  hv_timer_expired: act(({ timer }) => timer.expiredHvTimer()),
  inject_pending: act(({ timer }) => timer.injectPending()),
  switch_to_sw: act(({ timer }) => timer.switchToSw()),
  switch_to_hv: act(({ timer }) => timer.switchToHv()),
  nop: act(() => {}),
};

/** One timer per `config` row, and the operations on it in file order. */
export function createScenario(): JudgeRow {
  let running:
    | (Device & { readonly clock: StillClock; readonly hv: PreemptionTimer | undefined })
    | undefined;

  const configure = (row: Row): Mismatch | undefined => {
    const clock = new StillClock();
    const tsc = tscView(tscColumns(row));
    const rateShift = num(row, "preemption_timer_shift");
    const hv = bool(row, "hv_available") ? new PreemptionTimer({ clock, tsc, rateShift }) : undefined;
    const machine = device({
      clock,
      tsc,
      preemptionTimer: hv,
      config: { busCycleNs: big(row, "bus_cycle_ns") },
      state: { advance: { ns: num(row, "advance_ns"), tuning: false } },
    });
    running = { ...machine, clock, hv };
    return compare({ divide_count: num(row, "divide_count") }, { divide_count: machine.timer.divide });
  };

  return (row) => {
    const op = text(row, "op");
    if (op === "config") return configure(row);
    const operation = OPERATIONS[op];
    if (operation === undefined || running === undefined)
      throw new MalformedRow("op", "a known operation", op);
    const { timer, hv, clock } = running;
    clock.nowNs = monotonicNs(big(row, "now"));
    clock.tscs = [big(row, "host_tsc")];
    const result = operation(running, row);
    return compare(
      {
        result: big(row, "result"),
        lvtt: num(row, "lvtt"),
        timer_mode: num(row, "timer_mode"),
        tmict: num(row, "tmict"),
        divide_count: num(row, "divide_count"),
        period: big(row, "period"),
        target_expiration: big(row, "target_expiration"),
        tscdeadline: big(row, "tscdeadline"),
        expired_tscdeadline: big(row, "expired_tscdeadline"),
        sw_active: bool(row, "sw_active"),
        sw_expires: maybeBig(row, "sw_expires"),
        hv_in_use: bool(row, "hv_in_use"),
        hv_deadline_tsc: maybeBig(row, "hv_deadline_tsc"),
        pending: num(row, "pending"),
      },
      {
        result,
        lvtt: timer.lvtt,
        timer_mode: timer.mode,
        tmict: timer.tmict,
        divide_count: timer.divide,
        period: timer.period,
        target_expiration: timer.target,
        tscdeadline: timer.tscDeadline,
        expired_tscdeadline: timer.expiredTsc,
        sw_active: timer.hrtimerArmed,
        sw_expires: timer.hrtimerExpiresNs,
        hv_in_use: timer.hvInUse,
        hv_deadline_tsc: hv?.deadline,
        pending: timer.pending,
      },
    );
  };
}
