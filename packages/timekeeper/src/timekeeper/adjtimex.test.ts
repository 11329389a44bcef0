import { describe, expect, it } from "vitest";
import { TSC, TscHost } from "../../test/tsc-host.js";
import { STA_INS, STA_PLL, Timekeeper, type Timex } from "../index.js";

// include/uapi/linux/timex.h
const ADJ_OFFSET = 0x0001;
const ADJ_FREQUENCY = 0x0002;
const ADJ_MAXERROR = 0x0004;
const ADJ_STATUS = 0x0010;
const ADJ_TAI = 0x0080;
const ADJ_SETOFFSET = 0x0100;
const ADJ_NANO = 0x2000;
const ADJ_TICK = 0x4000;
const ADJ_OFFSET_SINGLESHOT = 0x8001;
const EINVAL = -22;
const TIME_ERROR = 5;

const BILLION = 1_000_000_000n;
const NOW = 1_700_000_000n * BILLION;

describe("adjtimex", () => {
  it("reads back what a fresh host is set to", () => {
    const { timekeeper } = new TscHost({ realtimeNs: NOW + 123_456_789n, taiOffsetSec: 37 });
    expect(timekeeper.adjtimex({ modes: 0 })).toEqual({
      result: TIME_ERROR,
      offset: 0n,
      freq: 0n,
      maxerror: 16_000_000n,
      esterror: 16_000_000n,
      status: 0x40,
      constant: 2n,
      precision: 1n,
      tolerance: 32_768_000n,
      tick: 10_000n,
      time: { sec: 1_700_000_000n, usec: 123_456n },
      tai: 37,
    });
  });

  it.each<[string, Timex]>([
    ["a frequency", { modes: ADJ_FREQUENCY, freq: 1n << 16n }],
    ["a tick", { modes: ADJ_TICK, tick: 10_100n }],
    ["the frequency it has", { modes: ADJ_FREQUENCY, freq: 0n }],
  ])("advances and publishes at once for %s, in the middle of a tick", (_, timex) => {
    const host = new TscHost();
    host.counter = 5_000_000n;
    host.timekeeper.adjtimex(timex);
    expect(host.heard()).toEqual(["update"]);
  });

  it.each<[string, Timex]>([
    ["a read", { modes: 0 }],
    ["a phase offset", { modes: ADJ_STATUS | ADJ_OFFSET, status: STA_PLL, offset: 10_000n }],
    ["an adjtime slew", { modes: ADJ_OFFSET_SINGLESHOT, offset: 500n }],
    ["an error bound", { modes: ADJ_MAXERROR, maxerror: 1n }],
    ["the TAI offset it has", { modes: ADJ_TAI, constant: 0n }],
    ["a TAI offset out of range", { modes: ADJ_TAI, constant: 100_001n }],
  ])("waits for the tick with %s", (_, timex) => {
    const host = new TscHost();
    host.counter = 15_000_000n;
    expect(host.timekeeper.adjtimex(timex).result).not.toBe(EINVAL);
    expect(host.heard()).toEqual([]);
    host.timekeeper.tick();
    expect(host.heard()).toEqual(["update"]);
  });

  it("lets an advance by a new frequency accumulate the ticks that are due", () => {
    const host = new TscHost();
    host.counter = 25_000_000n;
    host.timekeeper.adjtimex({ modes: ADJ_FREQUENCY, freq: 1n << 16n });
    expect(host.timekeeper.bases().cycleLast).toBe(20_000_002n);
  });

  it("moves TAI alone with a new TAI offset, and tells that clocks were set", () => {
    const host = new TscHost({ realtimeNs: NOW });
    const { sequence } = host.timekeeper.offsets;
    expect(host.timekeeper.adjtimex({ modes: ADJ_TAI, constant: 37n }).tai).toBe(37);
    expect(host.heard()).toEqual(["update", "set wall"]);
    expect(host.clocks()).toEqual([0n, 0n, 0n, NOW, NOW + 37n * BILLION]);
    expect(host.timekeeper.offsets).toEqual({
      sequence: sequence + 1,
      realtimeNs: NOW,
      boottimeNs: 0n,
      taiNs: NOW + 37n * BILLION,
    });
  });

  it("tells once of a TAI offset and a frequency in one call", () => {
    const host = new TscHost();
    host.timekeeper.adjtimex({ modes: ADJ_TAI | ADJ_FREQUENCY, constant: 37n, freq: 0n });
    expect(host.heard()).toEqual(["update", "update", "set wall"]);
  });

  it.each<[string, Timex]>([
    ["a tick of 8999 µs", { modes: ADJ_TICK, tick: 8_999n }],
    ["a tick of 11001 µs", { modes: ADJ_TICK, tick: 11_001n }],
    ["a frequency whose product leaves 64 bits", { modes: ADJ_FREQUENCY, freq: 140_737_488_356n }],
    ["a step with 10^6 µs", { modes: ADJ_SETOFFSET, time: { sec: 0n, usec: 1_000_000n } }],
    ["a step with 10^9 ns", { modes: ADJ_SETOFFSET | ADJ_NANO, time: { sec: 0n, usec: BILLION } }],
    ["a step with −1 µs", { modes: ADJ_SETOFFSET, time: { sec: -1n, usec: -1n } }],
  ])("refuses %s before anything happens, even a step asked for with it", (_, timex) => {
    const step = { sec: 1n, usec: 0n };
    const host = new TscHost({ realtimeNs: NOW });
    const before = host.timekeeper.state();
    const both = { time: step, ...timex, modes: timex.modes | ADJ_SETOFFSET };
    expect(host.timekeeper.adjtimex(both).result).toBe(EINVAL);
    expect(host.timekeeper.state()).toEqual(before);
    expect(host.heard()).toEqual([]);
  });

  it("clamps a frequency beyond 500 ppm", () => {
    const { timekeeper } = new TscHost();
    expect(timekeeper.adjtimex({ modes: ADJ_FREQUENCY, freq: 600n << 16n }).freq).toBe(500n << 16n);
    expect(timekeeper.rate().monoMult).toBe(6714241);
  });

  it("throws for a field that the call reads and nobody gave", () => {
    const { timekeeper } = new TscHost();
    expect(() => timekeeper.adjtimex({ modes: ADJ_FREQUENCY })).toThrow(
      "Timekeeper.adjtimex: expected freq ",
    );
    expect(() => timekeeper.adjtimex({ modes: ADJ_TICK, tick: 2n ** 63n })).toThrow(RangeError);
    expect(() => timekeeper.adjtimex({ modes: ADJ_SETOFFSET })).toThrow(TypeError);
    expect(() => timekeeper.adjtimex({ modes: -1 })).toThrow(RangeError);
    expect(() => timekeeper.adjtimex(undefined as never)).toThrow(TypeError);
  });
});

describe("ADJ_SETOFFSET", () => {
  it.each<[string, Timex, bigint]>([
    ["µs forward", { modes: ADJ_SETOFFSET, time: { sec: 1n, usec: 500_000n } }, 1_500_000_000n],
    ["ns forward", { modes: ADJ_SETOFFSET | ADJ_NANO, time: { sec: 0n, usec: 7n } }, 7n],
    [
      "back: its fraction counts forward",
      { modes: ADJ_SETOFFSET, time: { sec: -1n, usec: 1n } },
      -999_999_000n,
    ],
  ])("steps REALTIME and TAI, and nothing else: %s", (_, timex, byNs) => {
    const host = new TscHost({ realtimeNs: NOW, taiOffsetSec: 37 });
    host.ticks(300);
    host.heard();
    const [monotonic, raw, boottime, realtime, tai] = host.clocks();
    const answer = host.timekeeper.adjtimex(timex);
    expect(host.clocks()).toEqual([monotonic, raw, boottime, realtime + byNs, tai + byNs]);
    expect(answer.time.sec).toBe((realtime + byNs) / BILLION);
    expect(host.heard()).toEqual(["update", "set wall"]);
  });

  it("clears NTP before the rest of the call is applied", () => {
    const host = new TscHost({ realtimeNs: NOW });
    host.timekeeper.adjtimex({ modes: ADJ_STATUS | ADJ_OFFSET, status: STA_PLL, offset: 500_000n });
    host.ticks(251);
    expect(host.timekeeper.ntp.timeOffset).not.toBe(0n);
    host.timekeeper.adjtimex({
      modes: ADJ_SETOFFSET | ADJ_MAXERROR,
      maxerror: 4n,
      time: { sec: 1n, usec: 0n },
    });
    expect(host.timekeeper.ntp.timeOffset).toBe(0n);
    expect(host.timekeeper.ntp.timeMaxerror).toBe(4n);
    expect(host.timekeeper.state().ntpError).toBe("0");
  });

  it.each<[string, bigint]>([
    ["behind the boot", -1_700_000_001n],
    ["to a time 64 bits of ns do not hold", 2n ** 62n],
    ["so far that seconds leave 64 bits", 2n ** 63n - 1n],
    ["so far back", -(2n ** 63n)],
  ])("refuses to step %s, but forwards, clears and tells all the same", (_, sec) => {
    const host = new TscHost({ realtimeNs: NOW });
    host.timekeeper.adjtimex({ modes: ADJ_OFFSET_SINGLESHOT, offset: 500n });
    host.counter = 5_000_000n;
    const before = host.clocks();
    const { sequence } = host.timekeeper.offsets;
    expect(host.timekeeper.adjtimex({ modes: ADJ_SETOFFSET, time: { sec, usec: 0n } }).result).toBe(EINVAL);
    expect(host.clocks()).toEqual(before);
    expect(host.timekeeper.bases().cycleLast).toBe(5_000_000n);
    expect(host.timekeeper.ntp.timeAdjust).toBe(0n);
    expect(host.timekeeper.offsets.sequence).toBe(sequence + 1);
    expect(host.heard()).toEqual(["update", "set wall"]);
  });

  it("does not apply the rest of a call whose step was refused", () => {
    const host = new TscHost();
    const timex = { modes: ADJ_SETOFFSET | ADJ_FREQUENCY, time: { sec: -1n, usec: 0n }, freq: 1n << 16n };
    expect(host.timekeeper.adjtimex(timex)).toMatchObject({ result: EINVAL, freq: 0n });
    expect(host.timekeeper.ntp.timeFreq).toBe(0n);
  });
});

describe("a leap second", () => {
  it("goes out of REALTIME at midnight; MONOTONIC, RAW, BOOTTIME and TAI go on", () => {
    const midnight = 19_999n * 86_400n;
    const host = new TscHost({ realtimeNs: (midnight - 2n) * BILLION, taiOffsetSec: 37 });
    host.timekeeper.adjtimex({ modes: ADJ_STATUS, status: STA_INS });
    host.ticks(499);
    const before = host.clocks();
    host.heard();
    host.ticks(1);
    const after = host.clocks();
    expect(after.map((ns, i) => ns - (before[i] ?? 0n))).toEqual([
      4_000_000n,
      4_000_000n,
      4_000_000n,
      4_000_000n - BILLION,
      4_000_000n,
    ]);
    expect(host.heard()).toEqual(["update", "leap -1", "set wall"]);
    expect(host.timekeeper.adjtimex({ modes: 0 })).toMatchObject({ result: 5, tai: 38 });
    expect(host.timekeeper.offsets.realtimeNs).toBe((midnight - 3n) * BILLION);
  });

  it("is told once after the advance that a new frequency makes", () => {
    const midnight = 19_999n * 86_400n;
    const host = new TscHost({ realtimeNs: (midnight - 2n) * BILLION });
    host.timekeeper.adjtimex({ modes: ADJ_STATUS, status: STA_INS });
    host.ticks(499);
    host.heard();
    host.counter += 10_000_001n;
    host.timekeeper.adjtimex({ modes: ADJ_FREQUENCY, freq: 0n });
    expect(host.heard()).toEqual(["update", "leap -1", "set wall"]);
  });
});

describe("a correction that takes back the beginning of a second", () => {
  it("borrows it, and NTP does not work for that second again", () => {
    const host = new TscHost({ realtimeNs: NOW });
    const { timekeeper } = host;
    timekeeper.adjtimex({ modes: ADJ_MAXERROR, maxerror: 0n });
    host.ticks(250);
    expect(timekeeper.state()).toMatchObject({ xtimeSec: "1700000001", skipSecondOverflow: false });
    expect(timekeeper.ntp.timeMaxerror).toBe(500n);
    // 40 ns into the second; 3.6 ms not yet accumulated become 10 % longer.
    host.counter += 9_000_000n;
    const before = host.clocks();
    timekeeper.adjtimex({ modes: ADJ_TICK, tick: 11_000n });
    expect(host.clocks()).toEqual(before);
    expect(timekeeper.state()).toMatchObject({ xtimeSec: "1700000000", skipSecondOverflow: true });
    host.counter += 1_000_001n;
    timekeeper.tick();
    expect(timekeeper.state()).toMatchObject({ xtimeSec: "1700000001", skipSecondOverflow: false });
    expect(timekeeper.ntp.timeMaxerror).toBe(500n);
  });
});

describe("a clock without events", () => {
  it("does the same in silence", () => {
    const timekeeper = new Timekeeper({ clocksource: TSC, hz: 250, read: () => 0n });
    timekeeper.adjtimex({ modes: ADJ_TAI | ADJ_FREQUENCY, constant: 37n, freq: 0n });
    expect(timekeeper.taiNs()).toBe(37n * BILLION);
  });
});
