import { describe, expect, it } from "vitest";
import type { JudgeRow, Row } from "../replay.js";
import { MalformedRow } from "../row-fields.js";
import { timekeepingNtpReplays } from "./timekeeping-ntp.js";

/** ns × 2^32 of an unsteered tick at 1000 Hz, and of 1 ns. */
const TICK = "4294967296000000";
const tickPlus = (units: bigint): string => String(BigInt(TICK) + units);

function judgeOf(file: string): JudgeRow {
  const replay = timekeepingNtpReplays.find((candidate) => candidate.file === file);
  if (replay === undefined) throw new Error(`no replay of ${file}`);
  return replay.create();
}

const INIT: Row = {
  seq: 0,
  op: "init",
  kind: "offset",
  secs: "100",
  time_adjust: "0",
  time_offset: "0",
  time_freq: "0",
  time_constant: "2",
  status: 1,
  state: 0,
  tick_length: TICK,
  tick_length_base: TICK,
};

function second(seq: number, secs: string, left: Row): Row {
  const quiet = { leap: 0, time_adjust: "0", time_offset: "0", status: 65, state: 0 };
  return { seq, op: "second", secs, ...quiet, tick_length: TICK, tick_length_base: TICK, ...left };
}

describe("the rows of second_overflow", () => {
  it("may be interleaved: each sequence has a state of its own", () => {
    const judge = judgeOf("second_overflow_hz1000");
    const adjusting = { ...INIT, seq: 1, kind: "adjtime", time_adjust: "501", status: 64 };
    const rows = [
      INIT,
      adjusting,
      second(1, "101", { time_adjust: "1", status: 64, tick_length: tickPlus(500n << 32n) }),
      second(0, "101", {}),
      second(1, "102", { status: 64, tick_length: tickPlus(1n << 32n) }),
    ];
    expect(rows.map((row) => judge(row))).toEqual(rows.map(() => undefined));
  });

  it("tell a machine that waits from one that has been released", () => {
    const judge = judgeOf("second_overflow_hz1000");
    const waiting = { ...INIT, kind: "leap", status: 0, state: 4 };
    expect(judge(waiting)).toBeUndefined();
    expect(judge(second(0, "101", { status: 64, state: 4 }))).toEqual({
      expected: { state: 4 },
      got: { state: 0 },
    });
  });

  it("date a phase offset with the second of the init row", () => {
    const judge = judgeOf("second_overflow_hz1000");
    judge({ ...INIT, status: 8193 });
    const row = {
      seq: 0,
      op: "adj_offset",
      secs: "116",
      offset_ns: "-1000",
      // −1000 ns · 16 s / 2^12, × 2^32; a thousandth of it for a tick.
      time_freq: "-16777216000",
      time_offset: "-4294967296",
      status: 8193,
      tick_length: tickPlus(-16_777_216n),
      tick_length_base: tickPlus(-16_777_216n),
    };
    expect(judge(row)).toBeUndefined();
    expect(judge({ ...row, time_freq: "0" })).toEqual({
      expected: { time_freq: "0" },
      got: { time_freq: "-16777216000" },
    });
  });

  it("name a sequence that no init row began", () => {
    expect(() => judgeOf("second_overflow_hz250")(second(3, "1", {}))).toThrow(MalformedRow);
  });
});

it("a tick of 11 000 µs at +500 ppm is the longest tick of ntp_update_frequency", () => {
  const row = {
    hz: 1000,
    tick_usec: 11_000,
    freq_scaled_ppm: "32768001",
    time_freq: "2147483648000000",
    tick_length: "4726611509248000",
    tick_length_base: "4726611509248000",
    tick_nsec: "1100500",
  };
  expect(judgeOf("ntp_update_frequency_hz1000")(row)).toBeUndefined();
});
