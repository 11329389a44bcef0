import { type GuestTsc, guestTsc, type HostTsc, hostTsc, ScaledTsc } from "@chronovisor/clocksource";
import { PreemptionTimer, preemptionTimerDelta } from "@chronovisor/lapic";
import type { JudgeRow, Replay, Row } from "../replay.js";
import { big, bool, compare, maybeBig, maybeNum, num } from "../row-fields.js";

/** What the kernel returns for a deadline out of reach. */
const ERANGE = 34;

/** A host whose TSC stands where a row puts it. */
class StillTsc {
  at: HostTsc;

  constructor(at: bigint) {
    this.at = hostTsc(at);
  }
  tsc(): HostTsc {
    return this.at;
  }
  monotonicNs(): never {
    throw new Error("the preemption timer reads no clock but the TSC");
  }
  sample(): never {
    return this.monotonicNs();
  }
}

/** The guest counter of a row: the preemption timer is Intel's, so ratios have 48 fraction bits. */
function view(row: Row): {
  readonly readL1: (tsc: HostTsc) => GuestTsc;
  readonly nsToCycles: (ns: bigint) => bigint;
  readonly virtualTscKhz: number;
  readonly l1Ratio: bigint;
  readonly fractionBits: 48 | 32;
} {
  const scaled = new ScaledTsc("vmx", BigInt.asUintN(64, big(row, "l1_tsc_offset")));
  scaled.writeL1Ratio(big(row, "ratio"));
  scaled.writeNsScale({ mul: num(row, "virtual_tsc_mult"), shift: num(row, "virtual_tsc_shift") });
  return {
    readL1: (tsc) => scaled.readL1(tsc),
    nsToCycles: (ns) => scaled.nsToCycles(ns),
    virtualTscKhz: num(row, "guest_khz"),
    l1Ratio: scaled.l1Ratio,
    fractionBits: scaled.fractionBits,
  };
}

const judgeSetHvTimer: JudgeRow = (row) => {
  const clock = new StillTsc(big(row, "host_tsc"));
  const tsc = view(row);
  const advanceNs = num(row, "advance_ns");
  const rateShift = num(row, "preemption_timer_shift");
  const deadlineTsc = guestTsc(big(row, "guest_deadline"));
  const timer = new PreemptionTimer({ clock, tsc, rateShift });
  const result = timer.set(deadlineTsc, advanceNs);
  const refused = result === "out-of-range";
  // The sum may land on the value that marks an unarmed timer; the file writes it all the same.
  const deadline = refused ? undefined : BigInt(timer.state().deadline);
  const delta = preemptionTimerDelta(deadlineTsc, clock.at, advanceNs, tsc, rateShift);
  const guest = tsc.readL1(clock.at);
  const entry = maybeBig(row, "entry_host_tsc");
  if (entry !== undefined) clock.at = hostTsc(entry);
  return compare(
    {
      guest_tsc: big(row, "guest_tsc"),
      advance_cycles: big(row, "advance_cycles"),
      ret: num(row, "ret"),
      expired: row.expired === null ? undefined : bool(row, "expired"),
      hv_deadline_tsc: maybeBig(row, "hv_deadline_tsc"),
      delta_host_cycles: maybeBig(row, "delta_host_cycles"),
      timer_value: maybeNum(row, "timer_value"),
    },
    {
      guest_tsc: guest,
      advance_cycles: tsc.nsToCycles(BigInt(advanceNs)),
      ret: refused ? -ERANGE : 0,
      expired: refused ? undefined : result === "expired",
      hv_deadline_tsc: deadline,
      delta_host_cycles: delta,
      timer_value: entry === undefined ? undefined : timer.loadAtEntry("ordinary"),
    },
  );
};

const judgeUpdateHvTimer: JudgeRow = (row) => {
  const clock = new StillTsc(big(row, "host_tsc"));
  const scaled = new ScaledTsc("vmx", 0n);
  const timer = PreemptionTimer.fromState(
    {
      rateShift: num(row, "preemption_timer_shift"),
      deadline: big(row, "hv_deadline_tsc").toString(),
      softDisabled: bool(row, "soft_disabled_in"),
    },
    {
      clock,
      tsc: {
        readL1: (tsc) => scaled.readL1(tsc),
        nsToCycles: (ns) => scaled.nsToCycles(ns),
        virtualTscKhz: 0,
        l1Ratio: scaled.l1Ratio,
        fractionBits: scaled.fractionBits,
      },
    },
  );
  const value = timer.loadAtEntry(bool(row, "force_immediate_exit") ? "immediate-exit" : "ordinary");
  return compare(
    { timer_value: maybeNum(row, "timer_value"), soft_disabled_out: bool(row, "soft_disabled_out") },
    { timer_value: value, soft_disabled_out: timer.softDisabled },
  );
};

/** Replays of `hvtimer/`. */
export const hvtimerReplays: readonly Replay[] = [
  { area: "hvtimer", file: "set_hv_timer", create: () => judgeSetHvTimer },
  { area: "hvtimer", file: "update_hv_timer", create: () => judgeUpdateHvTimer },
];
