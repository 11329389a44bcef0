import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TICK_CYCLES, TSC, TscHost } from "../../test/tsc-host.js";
import { ADJ_FREQUENCY, ADJ_OFFSET_SINGLESHOT, Timekeeper } from "../index.js";

const BILLION = 1_000_000_000n;
const NOW = 1_700_000_000n * BILLION;
const EINVAL = -22;

describe("settimeofday", () => {
  it("sets REALTIME and TAI to the nanosecond; MONOTONIC, RAW and BOOTTIME keep their values", () => {
    const host = new TscHost({ realtimeNs: NOW, taiOffsetSec: 37 });
    host.ticks(7);
    host.heard();
    host.counter += 1_234_567n;
    const [monotonic, raw, boottime] = host.clocks();
    expect(host.timekeeper.settimeofday({ sec: 1_800_000_000n, nsec: 5n })).toBe(0);
    const set = 1_800_000_000n * BILLION + 5n;
    expect(host.clocks()).toEqual([monotonic, raw, boottime, set, set + 37n * BILLION]);
    expect(host.heard()).toEqual(["update", "set wall"]);
  });

  it("never moves MONOTONIC, at any instant, however steered", () => {
    const times = fc.record({
      ticks: fc.integer({ min: 1, max: 40 }),
      into: fc.bigInt({ min: 0n, max: TICK_CYCLES }),
      ppm: fc.bigInt({ min: -500n, max: 500n }),
      sec: fc.bigInt({ min: 1n, max: 8_277_292_035n }),
      nsec: fc.bigInt({ min: 0n, max: 999_999_999n }),
    });
    fc.assert(
      fc.property(times, ({ ticks, into, ppm, sec, nsec }) => {
        const host = new TscHost({ realtimeNs: NOW });
        host.timekeeper.adjtimex({ modes: ADJ_FREQUENCY, freq: ppm << 16n });
        host.ticks(ticks);
        host.counter += into;
        const [monotonic, raw, boottime] = host.clocks();
        expect(host.timekeeper.settimeofday({ sec, nsec })).toBe(0);
        expect(host.clocks().slice(0, 4)).toEqual([monotonic, raw, boottime, sec * BILLION + nsec]);
      }),
    );
  });

  it("ends a slew: the rate changes where the value does not", () => {
    const host = new TscHost({ realtimeNs: NOW });
    host.timekeeper.adjtimex({ modes: ADJ_OFFSET_SINGLESHOT, offset: 100_000n });
    host.ticks(300);
    expect(host.timekeeper.rate().monoMult).toBeGreaterThan(6714200);
    host.timekeeper.settimeofday({ sec: 1_700_000_000n, nsec: 0n });
    expect(host.timekeeper.rate().monoMult).toBeGreaterThan(6714200);
    host.ticks(1);
    expect(host.timekeeper.rate().monoMult).toBe(6710886);
  });

  it.each([
    ["before 1970", { sec: -1n, nsec: 0n }],
    ["with 10^9 ns", { sec: 1n, nsec: BILLION }],
    ["with −1 ns", { sec: 1n, nsec: -1n }],
    ["thirty years before 64 bits of ns are full", { sec: 8_277_292_036n, nsec: 0n }],
  ])("refuses a time %s, and nothing happens", (_, time) => {
    const host = new TscHost({ realtimeNs: NOW });
    host.counter = 4_000_000n;
    const before = host.timekeeper.state();
    expect(host.timekeeper.settimeofday(time)).toBe(EINVAL);
    expect(host.timekeeper.state()).toEqual(before);
    expect(host.heard()).toEqual([]);
  });

  it("refuses a time before the boot, but forwards, clears NTP and tells all the same", () => {
    const host = new TscHost({ realtimeNs: 100n * BILLION });
    host.ticks(750);
    host.timekeeper.adjtimex({ modes: ADJ_OFFSET_SINGLESHOT, offset: 100_000n });
    host.heard();
    host.counter += 4_000_000n;
    const before = host.clocks();
    expect(host.timekeeper.settimeofday({ sec: 3n, nsec: 0n })).toBe(EINVAL);
    expect(host.clocks()).toEqual(before);
    expect(host.timekeeper.ntp.timeAdjust).toBe(0n);
    expect(host.timekeeper.bases().cycleLast).toBe(host.counter);
    expect(host.heard()).toEqual(["update", "set wall"]);
    expect(host.timekeeper.settimeofday({ sec: 4n, nsec: 0n })).toBe(0);
  });

  it("throws for a time that is none", () => {
    const { timekeeper } = new TscHost();
    expect(() => timekeeper.settimeofday(undefined as never)).toThrow(TypeError);
    expect(() => timekeeper.settimeofday({ sec: 1 as never, nsec: 0n })).toThrow(TypeError);
    expect(() => timekeeper.settimeofday({ sec: 2n ** 63n, nsec: 0n })).toThrow(RangeError);
    expect(() => timekeeper.settimeofday({ sec: 1n, nsec: undefined as never })).toThrow(TypeError);
  });
});

describe("a suspended host", () => {
  it("stands still, and wakes with the sleep in REALTIME, BOOTTIME and TAI only, whatever the counter did", () => {
    const sleeps = fc.record({
      counted: fc.bigInt({ min: 0n, max: 2n ** 60n }),
      sleepNs: fc.bigInt({ min: 0n, max: 10n ** 15n }),
      into: fc.bigInt({ min: 0n, max: TICK_CYCLES }),
    });
    fc.assert(
      fc.property(sleeps, ({ counted, sleepNs, into }) => {
        const host = new TscHost({ realtimeNs: NOW, taiOffsetSec: 37 });
        host.timekeeper.adjtimex({ modes: ADJ_FREQUENCY, freq: 500n << 16n });
        host.ticks(3);
        host.counter += into;
        const [monotonic, raw, boottime, realtime, tai] = host.clocks();
        host.timekeeper.suspend();
        expect(host.timekeeper.suspended).toBe(true);
        host.counter += counted;
        host.timekeeper.tick();
        expect(host.clocks()).toEqual([monotonic, raw, boottime, realtime, tai]);
        host.timekeeper.resume(sleepNs);
        expect(host.timekeeper.suspended).toBe(false);
        const woken = [monotonic, raw, boottime + sleepNs, realtime + sleepNs, tai + sleepNs];
        expect(host.clocks()).toEqual(woken);
        expect(host.timekeeper.bases().cycleLast).toBe(host.counter);
        expect(host.timekeeper.offsets.boottimeNs).toBe(sleepNs);
      }),
    );
  });

  it("reads the same at every counter value until it wakes, and no later counter value reaches a later time", () => {
    const host = new TscHost({ realtimeNs: NOW });
    host.ticks(3);
    const { timekeeper } = host;
    const stopped = timekeeper.monotonicNs();
    const cycles = host.counter + TICK_CYCLES;
    timekeeper.suspend();
    const asleep = Timekeeper.fromState(timekeeper.state(), { read: () => cycles });
    for (const clock of [timekeeper, asleep]) {
      const out = new BigUint64Array([cycles, cycles]);
      clock.monotonicBatch(out, out);
      clock.rawInto(out, 1, cycles);
      expect([...out]).toEqual([stopped, clock.rawNs()]);
      expect(clock.monotonicAt(cycles)).toBe(stopped);
      expect(clock.realtimeAt(cycles)).toBe(NOW + stopped);
      expect(clock.monotonicCounterAt(stopped)).toBe(host.counter);
      expect(clock.monotonicCounterAt(stopped + 1n)).toBe(2n ** 64n - 1n);
    }
    host.counter = cycles;
    timekeeper.resume(0n);
    expect(timekeeper.monotonicAt(cycles + TICK_CYCLES)).toBe(stopped + 4_000_000n);
    asleep.resume(0n);
    expect(asleep.monotonicAt(cycles + TICK_CYCLES)).toBe(stopped + 4_000_000n);
  });

  it.each([
    ["just before", -1n, 9_223_372_036n, 854_775n, 2n ** 63n - 1n],
    ["at", 0n, 9_223_372_036n, 854_775n, -(2n ** 63n)],
    ["a second past", BILLION, 9_223_372_037n, 854_775n, -(2n ** 63n) + BILLION],
  ])(
    "may sleep until %s 2^63 ns since 1970: adjtimex's seconds go on, nanoseconds wrap",
    (_, by, sec, usec, ns) => {
      const host = new TscHost({ realtimeNs: NOW });
      host.timekeeper.suspend();
      host.timekeeper.resume(2n ** 63n - NOW + by);
      expect(host.timekeeper.realtimeNs()).toBe(ns);
      expect(host.timekeeper.adjtimex({ modes: 0 }).time).toEqual({ sec, usec });
    },
  );

  it("keeps NTP's state over the sleep, without the error at hand", () => {
    const host = new TscHost({ realtimeNs: NOW });
    host.timekeeper.adjtimex({ modes: ADJ_FREQUENCY, freq: 500n << 16n });
    host.timekeeper.adjtimex({ modes: ADJ_OFFSET_SINGLESHOT, offset: 100_000n });
    host.ticks(260);
    const ntp = host.timekeeper.state().ntp;
    host.timekeeper.suspend();
    host.timekeeper.resume(5n * BILLION);
    expect(host.timekeeper.state()).toMatchObject({ ntp, ntpError: "0" });
  });

  it("tells of an update at suspend and at resume; its timers resume by a way of their own", () => {
    const host = new TscHost();
    const { sequence } = host.timekeeper.offsets;
    host.timekeeper.suspend();
    expect(host.heard()).toEqual(["update"]);
    expect(host.timekeeper.offsets.sequence).toBe(sequence);
    host.timekeeper.resume(BILLION);
    expect(host.heard()).toEqual(["update"]);
    expect(host.timekeeper.offsets.sequence).toBe(sequence + 1);
  });

  it("may be given a frequency, which waits for the wake-up", () => {
    const host = new TscHost();
    host.timekeeper.suspend();
    host.counter += 50_000_000n;
    host.timekeeper.adjtimex({ modes: ADJ_FREQUENCY, freq: 500n << 16n });
    expect(host.timekeeper.rate().monoMult).toBe(6710886);
    host.timekeeper.resume(0n);
    host.ticks(1);
    expect(host.timekeeper.rate().monoMult).toBe(6714241);
  });

  it("refuses what only a running host can do, and a running one to resume", () => {
    const { timekeeper } = new TscHost();
    expect(() => timekeeper.resume(0n)).toThrow(
      "Timekeeper.resume: expected a suspended host, got a running one",
    );
    timekeeper.suspend();
    expect(() => timekeeper.suspend()).toThrow(
      "Timekeeper.suspend: expected a running host, got a suspended one",
    );
    expect(() => timekeeper.injectSleep(1n)).toThrow(RangeError);
    expect(() => timekeeper.changeClocksource(TSC, () => 0n)).toThrow(RangeError);
    expect(() => timekeeper.resume(-1n)).toThrow(RangeError);
    expect(() => timekeeper.resume(9_223_372_036n * BILLION)).toThrow(RangeError);
    expect(() => timekeeper.resume(1 as never)).toThrow(TypeError);
  });
});

describe("a sleep that the RTC tells of later", () => {
  it("moves BOOTTIME, REALTIME and TAI, clears NTP, and tells of both", () => {
    const host = new TscHost({ realtimeNs: NOW });
    host.timekeeper.adjtimex({ modes: ADJ_OFFSET_SINGLESHOT, offset: 100_000n });
    host.ticks(3);
    host.timekeeper.suspend();
    host.timekeeper.resume(0n);
    host.counter += 4_000_000n;
    host.heard();
    const [monotonic, raw, boottime, realtime, tai] = host.clocks();
    host.timekeeper.injectSleep(60n * BILLION);
    expect(host.clocks()).toEqual([
      monotonic,
      raw,
      boottime + 60n * BILLION,
      realtime + 60n * BILLION,
      tai + 60n * BILLION,
    ]);
    expect(host.timekeeper.ntp.timeAdjust).toBe(0n);
    expect(host.heard()).toEqual(["update", "set wall", "set boot"]);
    expect(() => host.timekeeper.injectSleep(-1n)).toThrow(RangeError);
    expect(() => host.timekeeper.injectSleep(undefined as never)).toThrow(TypeError);
  });
});

describe("another clocksource", () => {
  const HPET = {
    mask: 2n ** 32n - 1n,
    mult: 2343484437,
    shift: 25,
    maxadj: 257783288,
    maxCycles: 2n ** 32n - 1n,
    maxRawDelta: 3758096381n,
    vclockMode: "none",
  } as const;

  it("takes over without a jump of any clock, unsteered until the next tick", () => {
    const host = new TscHost({ realtimeNs: NOW, taiOffsetSec: 37 });
    host.timekeeper.adjtimex({ modes: ADJ_FREQUENCY, freq: 500n << 16n });
    host.ticks(260);
    host.counter += 4_321n;
    const before = host.clocks();
    host.heard();
    let hpet = 2n ** 32n - 100n;
    host.timekeeper.changeClocksource(HPET, () => hpet);
    expect(host.clocks()).toEqual(before);
    expect(host.heard()).toEqual(["update"]);
    expect(host.timekeeper.rate()).toEqual({ monoMult: HPET.mult, rawMult: HPET.mult, shift: 25 });
    // 14 318 cycles of 69.841 ns, through the counter's end.
    hpet = 14_318n - 100n;
    expect(host.timekeeper.rawNs() - (before[1] ?? 0n)).toBe(999_987n);
    hpet += 57_273n;
    host.timekeeper.tick();
    expect(host.timekeeper.rate().monoMult).toBeGreaterThan(HPET.mult);
  });

  it("keeps the frequency, ends slews, and drops the fraction bits that a coarser shift cannot hold", () => {
    const host = new TscHost({ realtimeNs: NOW });
    host.timekeeper.adjtimex({ modes: ADJ_FREQUENCY, freq: 500n << 16n });
    host.timekeeper.adjtimex({ modes: ADJ_OFFSET_SINGLESHOT, offset: 100_000n });
    host.ticks(3);
    const { xtimeNsec, rawNsec } = host.timekeeper.state();
    host.timekeeper.changeClocksource({ ...TSC, mult: 2097152, shift: 21 }, () => 77n);
    const { timeFreq, timeAdjust } = host.timekeeper.ntp;
    expect([timeFreq, timeAdjust]).toEqual([500_000n << 32n, 0n]);
    expect(host.timekeeper.state()).toMatchObject({
      cycleLast: "77",
      xtimeNsec: String(BigInt(xtimeNsec) >> 3n),
      rawNsec: String(BigInt(rawNsec) >> 3n),
      ntpError: "0",
    });
  });

  it("says whether KVM may read it", () => {
    const host = new TscHost();
    expect(host.timekeeper.copy().mono.vclockMode).toBe("tsc");
    host.timekeeper.changeClocksource(HPET, () => 0n);
    expect(host.timekeeper.copy().raw.vclockMode).toBe("none");
  });

  it("is refused when it is none", () => {
    const { timekeeper } = new TscHost();
    expect(() => timekeeper.changeClocksource({ ...TSC, mult: 0 }, () => 0n)).toThrow(RangeError);
    expect(() => timekeeper.changeClocksource(TSC, 0n as never)).toThrow(TypeError);
    const before = timekeeper.state();
    expect(() => timekeeper.changeClocksource(TSC, () => -1n)).toThrow(
      "Timekeeper.changeClocksource: expected read() ",
    );
    expect(timekeeper.state()).toEqual(before);
  });
});
