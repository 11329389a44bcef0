import { describe, expect, it } from "vitest";
import type { Mismatch, Row } from "../replay.js";
import { MalformedRow } from "../row-fields.js";
import { livePvclockReplays } from "./live-pvclock.js";

/** A guest at 2 GHz: a nanosecond is two cycles. The MSR is written over an area that says it is stable. */
const BYTES = {
  before: "0200000000000000000000000000000000000000000000000000000000010000",
  afterMsrWrite: "0400000000000000000000000000000000000000000000000000000000000000",
  after: "060000000000000000c2eb0b0000000005000000000000000000008000010000",
};
const EMPTY = { tsc_timestamp: "0", system_time: "0", mul: 0, shift: 0 };

const SET_ROW = {
  vm: 0,
  seq: 1,
  tsc_khz: 2_000_000,
  gpa: 32768,
  msr_written: "32769",
  msr_accepted: true,
  msr_readback: "32769",
  set_clock: { clock: "5", host_tsc_before: "199999999", host_tsc_after: "200000001" },
  clock_ctrl: false,
  page_same_until_run: true,
  before: { ...EMPTY, version: 2, flags: 1, bytes: BYTES.before },
  after_msr_write: { ...EMPTY, version: 4, flags: 0, bytes: BYTES.afterMsrWrite },
  after: {
    version: 6,
    tsc_timestamp: "200000000",
    system_time: "5",
    mul: 2147483648,
    shift: 0,
    flags: 1,
    bytes: BYTES.after,
  },
  pairs: [{ flags: 14, host_tsc: "200002000", clock: "1005" }],
};
/** The next row of the same VM: nobody sets the clock, so its reference stays. */
const KEPT_ROW = { ...SET_ROW, seq: 2, set_clock: null };
/** A first run, which moves the reference from where the clock was set, 5 ns ago, to now. */
const FIRST_ROW = {
  ...SET_ROW,
  seq: 0,
  set_clock: { clock: "0", host_tsc_before: "199999988", host_tsc_after: "199999992" },
};

/** Judges rows of one file; the last one's verdict. */
function judge(...rows: readonly Row[]): Mismatch | undefined {
  const [replay] = livePvclockReplays;
  const judgeRow = replay?.create();
  return rows.map((row) => judgeRow?.(row)).at(-1);
}

describe("a row of live-kvm/pvclock", () => {
  it("passes when the page and the readings are what the model says", () => {
    expect(judge(SET_ROW)).toBeUndefined();
    expect(judge(SET_ROW, KEPT_ROW)).toBeUndefined();
    expect(judge(FIRST_ROW)).toBeUndefined();
  });

  it.each<[string, Row]>([
    ["a field is not that of the bytes", { ...SET_ROW, before: { ...SET_ROW.before, version: 3 } }],
    ["the MSR was refused", { ...SET_ROW, msr_accepted: false }],
    ["the MSR reads back otherwise", { ...SET_ROW, msr_readback: "32768" }],
    ["the area is elsewhere", { ...SET_ROW, gpa: 32769 }],
    ["the page changed before the run", { ...SET_ROW, page_same_until_run: false }],
    [
      "the stable bit outlived the MSR write",
      { ...SET_ROW, after_msr_write: { ...SET_ROW.before, bytes: BYTES.before } },
    ],
    ["GUEST_STOPPED was asked for and not raised", { ...SET_ROW, clock_ctrl: true }],
    ["the rate is another", { ...SET_ROW, tsc_khz: 2_000_001 }],
    ["the set value did not arrive", { ...SET_ROW, set_clock: { ...SET_ROW.set_clock, clock: "6" } }],
    [
      "the reference lies before the stamps",
      { ...SET_ROW, set_clock: { ...SET_ROW.set_clock, host_tsc_before: "200000001" } },
    ],
    [
      "the reference lies after the stamps",
      { ...SET_ROW, set_clock: { ...SET_ROW.set_clock, host_tsc_after: "199999999" } },
    ],
    [
      "a first run advanced further than from the first stamp",
      { ...FIRST_ROW, set_clock: { ...FIRST_ROW.set_clock, host_tsc_before: "199999991" } },
    ],
    [
      "a first run advanced less than from the last stamp",
      { ...FIRST_ROW, set_clock: { ...FIRST_ROW.set_clock, host_tsc_after: "199999980" } },
    ],
    ["a reading disagrees", { ...SET_ROW, pairs: [{ flags: 14, host_tsc: "200002000", clock: "1006" }] }],
    [
      "a reading has other flags",
      { ...SET_ROW, pairs: [{ flags: 6, host_tsc: "200002000", clock: "1005" }] },
    ],
  ])("fails when %s", (_title, row) => {
    expect(judge(row)).toBeDefined();
  });

  it("fails when the reference moved though nobody set the clock", () => {
    const before = { ...SET_ROW, vm: 1 };
    expect(judge(before, KEPT_ROW)).toBeUndefined();
    const moved = { ...SET_ROW, after: { ...SET_ROW.after, system_time: "4", bytes: movedBytes("04") } };
    expect(judge({ ...moved, set_clock: { ...SET_ROW.set_clock, clock: "4" } }, KEPT_ROW)).toBeDefined();
  });

  it("is malformed without the column that says whether the clock was set", () => {
    expect(() => judge({ ...SET_ROW, set_clock: undefined })).toThrow(MalformedRow);
  });
});

/** The final page with another lowest byte of system_time. */
function movedBytes(low: string): string {
  return `${BYTES.after.slice(0, 32)}${low}${BYTES.after.slice(34)}`;
}
