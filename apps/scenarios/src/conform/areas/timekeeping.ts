import { clocksourceMask, registerClocksource } from "@chronovisor/clocksource";
import {
  ADJ_FREQUENCY,
  readClocks,
  setupInternals,
  Timekeeper,
  type TimekeeperClocksource,
} from "@chronovisor/timekeeper";
import type { JudgeRow, Mismatch, Replay, Row } from "../replay.js";
import { big, compare, MalformedRow, num, oneOf } from "../row-fields.js";
import { timekeepingNtpReplays } from "./timekeeping-ntp.js";

/** The skew the rows were recorded with: the built-in default of a kernel without the option, 62 µs. */
const RECORDED_MAX_SKEW_NS = 62_000;
const NSEC_PER_SEC = 1_000_000_000n;

/** The row's counter, registered in kHz. */
function clocksourceOf(row: Row): TimekeeperClocksource {
  const mask = clocksourceMask(num(row, "mask_bits"));
  const counter = { scale: 1000, freq: num(row, "khz"), mask, watchdogMaxSkewNs: RECORDED_MAX_SKEW_NS };
  return { ...registerClocksource(counter), mask };
}

/** Starts a host as a `config` row says, its counter read through `read`. */
function startHost(row: Row, read: () => bigint): Timekeeper {
  const realtimeNs = big(row, "xtime_sec") * NSEC_PER_SEC;
  return new Timekeeper({ clocksource: clocksourceOf(row), hz: num(row, "hz"), read, realtimeNs });
}

/** Registration, the intervals of a tick, and the clocks as they start. */
function judgeConfig(row: Row, host: Timekeeper): Mismatch | undefined {
  const clocksource = clocksourceOf(row);
  const intervals = setupInternals(clocksource, num(row, "hz"));
  const { cycleLast, xtimeSec, wallToMonotonic } = host.state();
  return compare(
    {
      mult: num(row, "mult"),
      shift: num(row, "shift"),
      maxadj: num(row, "maxadj"),
      max_cycles: big(row, "max_cycles"),
      max_raw_delta: big(row, "max_raw_delta"),
      cycle_interval: big(row, "cycle_interval"),
      xtime_interval: big(row, "xtime_interval"),
      xtime_remainder: big(row, "xtime_remainder"),
      raw_interval: big(row, "raw_interval"),
      ntp_error_shift: num(row, "ntp_error_shift"),
      ntp_tick: big(row, "ntp_tick"),
      cycle_last: big(row, "cycle_last"),
      xtime_sec: big(row, "xtime_sec"),
      wall_to_mono_sec: big(row, "wall_to_mono_sec"),
    },
    {
      mult: clocksource.mult,
      shift: clocksource.shift,
      maxadj: clocksource.maxadj,
      max_cycles: clocksource.maxCycles,
      max_raw_delta: clocksource.maxRawDelta,
      cycle_interval: intervals.cycleInterval,
      xtime_interval: intervals.xtimeInterval,
      xtime_remainder: intervals.xtimeRemainder,
      raw_interval: intervals.rawInterval,
      ntp_error_shift: intervals.ntpErrorShift,
      ntp_tick: intervals.ntpTick,
      cycle_last: cycleLast,
      xtime_sec: xtimeSec,
      wall_to_mono_sec: wallToMonotonic.sec,
    },
  );
}

const judgeSetup: JudgeRow = (row) =>
  judgeConfig(
    row,
    startHost(row, () => big(row, "cycle_last")),
  );

/** One host per `config` row; ticks and frequency changes until the next. */
function tickSequence(): JudgeRow {
  let counter = 0n;
  let host: Timekeeper | undefined;
  return (row) => {
    const op = oneOf(row, "op", ["config", "t", "f"]);
    if (op === "config") {
      counter = big(row, "cycle_last");
      host = startHost(row, () => counter);
      return judgeConfig(row, host);
    }
    if (host === undefined) throw new MalformedRow("op", `a "config" row before`, op);
    counter = big(row, "c");
    if (op === "t") host.tick();
    else host.adjtimex({ modes: ADJ_FREQUENCY, freq: big(row, "freq") });

    const state = host.state();
    const expected = {
      m: num(row, "m"),
      x: big(row, "x"),
      s: big(row, "s"),
      e: big(row, "e"),
      em: num(row, "em"),
    };
    const got = {
      m: state.mult,
      x: state.xtimeNsec,
      s: state.xtimeSec,
      e: state.ntpError,
      em: state.ntpErrMult,
    };
    if (op === "f") {
      return compare(
        { ...expected, time_freq: big(row, "time_freq"), tick_length: big(row, "tick_length") },
        { ...got, time_freq: host.ntp.timeFreq, tick_length: host.ntp.tickLength },
      );
    }
    return compare(
      { ...expected, rx: big(row, "rx"), rs: big(row, "rs"), cl: big(row, "cl") },
      { ...got, rx: state.rawNsec, rs: state.rawSec, cl: state.cycleLast },
    );
  };
}

const judgeClockRead: JudgeRow = (row) => {
  const bases = {
    cycleLast: big(row, "cycle_last"),
    mask: big(row, "mask"),
    shift: num(row, "shift"),
    maxCycles: big(row, "max_cycles"),
    mono: {
      mult: num(row, "mono_mult"),
      xtimeNsec: big(row, "mono_xtime_nsec"),
      baseNs: big(row, "mono_base"),
    },
    raw: { mult: num(row, "raw_mult"), xtimeNsec: big(row, "raw_xtime_nsec"), baseNs: big(row, "raw_base") },
    offsRealNs: big(row, "offs_real"),
    offsBootNs: big(row, "offs_boot"),
  };
  const readings = readClocks(bases, big(row, "cycles"), "safe");
  return compare(
    {
      monotonic: big(row, "monotonic"),
      raw: big(row, "raw"),
      boottime: big(row, "boottime"),
      realtime: big(row, "realtime"),
    },
    {
      monotonic: readings.monotonicNs,
      raw: readings.rawNs,
      boottime: readings.boottimeNs,
      realtime: readings.realtimeNs,
    },
  );
};

/** Each file was recorded at two tick rates, which its rows or the state they carry contain. */
const HZ = ["hz250", "hz1000"];

/** Replays of `timekeeping/`. */
export const timekeepingReplays: readonly Replay[] = [
  ...HZ.flatMap((hz): readonly Replay[] => [
    { area: "timekeeping", file: `setup_internals_${hz}`, create: () => judgeSetup },
    { area: "timekeeping", file: `tick_sequence_${hz}`, create: tickSequence },
    { area: "timekeeping", file: `nohz_sequence_${hz}`, create: tickSequence },
    { area: "timekeeping", file: `clock_read_${hz}`, create: () => judgeClockRead },
  ]),
  ...timekeepingNtpReplays,
];
