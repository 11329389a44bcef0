import type { HostTsc } from "@chronovisor/clocksource";
import { ADJ_FREQUENCY } from "@chronovisor/timekeeper";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Engine } from "../engine/engine.js";
import { HostTime } from "./host-time.js";
import { steerTo } from "./steer.js";

const tsc = (n: bigint): HostTsc => n as HostTsc;
const HZ = 2_500_000_000n;

const exact = (ratePpb: bigint, start = 0n): { engine: Engine; time: HostTime } => {
  const engine = new Engine(tsc(start));
  return { engine, time: new HostTime(engine, HZ, { kind: "exact", ratePpb }) };
};

const steered = (hz = 250): { engine: Engine; time: HostTime } => {
  const engine = new Engine(tsc(0n));
  return { engine, time: new HostTime(engine, HZ, { kind: "tsc", tscKhz: 2_500_000, hz }) };
};

describe("an exact clock", () => {
  it.each([
    [0n, 2_500_000n, 1_000_000n],
    [-50_000n, 2_500_000n, 999_950n],
    [50_000n, 2_500_000n, 1_000_050n],
    // Beyond what a steered TSC converts in one 64-bit product.
    [-50_000n, HZ * 864_000n, 863_956_800_000_000n],
  ])("at %d ppb reads %d cycles as %d ns, from any start", (ppb, cycles, ns) => {
    for (const start of [0n, 1n, 2n ** 62n]) {
      const { engine, time } = exact(ppb, start);
      engine.spend(cycles);
      expect(time.sample()).toEqual({ monotonicNs: ns, tsc: start + cycles });
      expect(time.rawNs()).toBe(ns);
    }
  });

  it("finds the first cycle of an instant over changes of rate, and reads on without a jump", () => {
    const change = fc.tuple(
      fc.bigInt({ min: 1n, max: 2n ** 36n }),
      fc.bigInt({ min: -100_000_000n, max: 100_000_000n }),
    );
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 6 }),
        fc.bigInt({ min: 1n, max: 2n ** 40n }),
        (changes, ahead) => {
          const { engine, time } = exact(0n);
          for (const [span, ppb] of changes) {
            engine.spend(span);
            const before = time.monotonicNs();
            time.setRate(ppb);
            expect(time.monotonicNs()).toBe(before);
          }
          const target = time.monotonicNs() + ahead;
          const due = time.firstTscAt(target);
          engine.spend(due - 1n - engine.now);
          expect(time.monotonicNs() < target).toBe(true);
          engine.spend(1n);
          expect(time.monotonicNs() >= target).toBe(true);
        },
      ),
    );
  });

  it("tells that its rate changed, once per change", () => {
    const { time } = exact(0n);
    let changes = 0;
    time.onRateChange = () => changes++;
    time.setRate(5n);
    time.setRate(-5n);
    expect(changes).toBe(2);
  });
});

describe("a clock that the TSC drives", () => {
  it("is slow by what the rounded multiplier loses: 59.6 ppb at 2.5 GHz", () => {
    const { engine, time } = steered();
    engine.spend(HZ * 10n);
    expect(time.monotonicNs()).toBe(9_999_999_403n);
    expect(time.rawNs()).toBe(9_999_999_403n);
    expect(time.rate()).toEqual({ monoMult: 6_710_886, rawMult: 6_710_886, shift: 24 });
  });

  it("reads on from the same nanosecond when NTP changes its rate, and says so", () => {
    const { engine, time } = steered();
    engine.spend(12_345_678n);
    const before = time.monotonicNs();
    let changes = 0;
    let updates = 0;
    time.onRateChange = () => changes++;
    time.onUpdate = () => updates++;
    time.timekeeper.adjtimex({ modes: ADJ_FREQUENCY, freq: 500n << 16n });
    expect(time.monotonicNs()).toBe(before);
    expect([changes, updates]).toEqual([1, 1]);
    expect(time.rate().monoMult).toBe(6_714_241);
    engine.spend(HZ);
    expect(time.monotonicNs() - before).toBe(1_000_499_875n);
    expect(time.rawNs() < time.monotonicNs()).toBe(true);
  });

  it("refuses to have its rate set past NTP", () => {
    expect(() => steered().time.setRate(1n)).toThrow(
      new Error("HostTime.setRate: expected an exact clock, got one that the TSC drives"),
    );
  });
});

describe("steerTo", () => {
  it.each([
    [500_000n, 10_000n, 500n << 16n],
    [-500_000n, 10_000n, -500n << 16n],
    [83_333_000n, 10_833n, (33n << 16n) + 0n],
    [-83_333_000n, 9_167n, -(33n << 16n)],
    [100_000_000n, 11_000n, 0n],
    [100_040_000n, 11_000n, 40n << 16n],
  ])("holds %d ppb by a tick of %d and a frequency of %d", (ppb, tick, freq) => {
    const { time } = steered();
    steerTo(time.timekeeper, ppb);
    const got = time.timekeeper.adjtimex({ modes: 0 });
    expect([got.tick, got.freq]).toEqual([tick, freq]);
  });

  it("refuses what adjtimex does not reach", () => {
    expect(() => steerTo(steered().time.timekeeper, 200_000_000n)).toThrow(
      new RangeError("steerTo: expected a rate within ±100500 ppm, got 200000000 ppb"),
    );
  });
});

describe("a step of CLOCK_REALTIME", () => {
  it("moves an instant of CLOCK_MONOTONIC by the fraction of a nanosecond it drops: it is worked out anew", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 2n ** 32n }),
        fc.bigInt({ min: 1n, max: 1_000n }),
        (stepAt, ahead) => {
          const { engine, time } = steered();
          engine.spend(stepAt);
          const target = time.monotonicNs() + ahead;
          time.firstTscAt(target);
          time.timekeeper.settimeofday({ sec: 5n, nsec: 0n });
          const due = time.firstTscAt(target);
          expect(time.timekeeper.monotonicAt(due - 1n) < target).toBe(true);
          expect(time.timekeeper.monotonicAt(due)).toBe(target);
        },
      ),
    );
  });
});
