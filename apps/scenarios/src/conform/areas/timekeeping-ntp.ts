import {
  ADJ_FREQUENCY,
  ADJ_OFFSET,
  ADJ_TICK,
  type AdjtimexClock,
  NtpState,
  type NtpTimeState,
} from "@chronovisor/timekeeper";
import type { JudgeRow, Mismatch, Replay, Row } from "../replay.js";
import { big, compare, MalformedRow, num, oneOf } from "../row-fields.js";

/** The clock at the start of second `sec`: what dates a phase offset. */
const clockAt = (sec: bigint): AdjtimexClock => ({
  xtimeSec: sec,
  realtime: { sec, nsec: 0n },
  taiOffsetSec: 0,
});

/** A freshly initialised state that tick and frequency are set on, by one adjtimex call. */
function judgeUpdateFrequency(row: Row): Mismatch | undefined {
  const ntp = new NtpState({ hz: num(row, "hz") });
  const modes = ADJ_TICK | ADJ_FREQUENCY;
  ntp.adjtimex({ modes, tick: big(row, "tick_usec"), freq: big(row, "freq_scaled_ppm") }, clockAt(0n));
  return compare(
    {
      time_freq: big(row, "time_freq"),
      tick_length: big(row, "tick_length"),
      tick_length_base: big(row, "tick_length_base"),
      tick_nsec: big(row, "tick_nsec"),
    },
    {
      time_freq: ntp.timeFreq,
      tick_length: ntp.tickLength,
      tick_length_base: ntp.tickLengthBase,
      tick_nsec: ntp.tickNsec,
    },
  );
}

/** What an `init` row does not name is as after boot; `secs` dates the last phase offset. */
function restore(hz: number, row: Row): NtpState {
  oneOf(row, "kind", ["adjtime", "leap", "offset"]);
  return NtpState.fromState({
    ...new NtpState({ hz }).state(),
    tickLength: String(big(row, "tick_length")),
    tickLengthBase: String(big(row, "tick_length_base")),
    timeState: num(row, "state") as NtpTimeState,
    timeStatus: num(row, "status"),
    timeOffset: String(big(row, "time_offset")),
    timeConstant: Number(big(row, "time_constant")),
    timeFreq: String(big(row, "time_freq")),
    timeReftime: String(big(row, "secs")),
    timeAdjust: String(big(row, "time_adjust")),
  });
}

function judgeSecond(ntp: NtpState, row: Row): Mismatch | undefined {
  const leap = ntp.secondOverflow(big(row, "secs"));
  return compareSlew(
    row,
    ntp,
    { leap: num(row, "leap"), time_adjust: big(row, "time_adjust"), state: num(row, "state") },
    { leap, time_adjust: ntp.timeAdjust, state: ntp.timeState },
  );
}

function judgeAdjOffset(ntp: NtpState, row: Row): Mismatch | undefined {
  ntp.adjtimex({ modes: ADJ_OFFSET, offset: big(row, "offset_ns") }, clockAt(big(row, "secs")));
  return compareSlew(row, ntp, { time_freq: big(row, "time_freq") }, { time_freq: ntp.timeFreq });
}

/** What every op but `init` leaves behind, beside its own columns. */
function compareSlew(
  row: Row,
  ntp: NtpState,
  expected: Record<string, unknown>,
  got: Record<string, unknown>,
): Mismatch | undefined {
  return compare(
    {
      ...expected,
      time_offset: big(row, "time_offset"),
      status: num(row, "status"),
      tick_length: big(row, "tick_length"),
      tick_length_base: big(row, "tick_length_base"),
    },
    {
      ...got,
      time_offset: ntp.timeOffset,
      status: ntp.timeStatus,
      tick_length: ntp.tickLength,
      tick_length_base: ntp.tickLengthBase,
    },
  );
}

/** Sequences may be interleaved: each `seq` has a state of its own. The rows do not name their tick rate, the file does. */
function judgeSecondOverflow(hz: number): JudgeRow {
  const sequences = new Map<number, NtpState>();
  return (row) => {
    const seq = num(row, "seq");
    const op = oneOf(row, "op", ["init", "second", "adj_offset"]);
    if (op === "init") {
      sequences.set(seq, restore(hz, row));
      return undefined;
    }
    const ntp = sequences.get(seq);
    if (ntp === undefined) throw new MalformedRow("seq", "a sequence with an init row", seq);
    return op === "second" ? judgeSecond(ntp, row) : judgeAdjOffset(ntp, row);
  };
}

/** The replays of the NTP files of the `timekeeping` area. */
export const timekeepingNtpReplays: readonly Replay[] = [250, 1000].flatMap((hz) => [
  { area: "timekeeping", file: `ntp_update_frequency_hz${hz}`, create: () => judgeUpdateFrequency },
  { area: "timekeeping", file: `second_overflow_hz${hz}`, create: () => judgeSecondOverflow(hz) },
]);
