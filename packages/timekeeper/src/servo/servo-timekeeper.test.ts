import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ServoHost } from "../../test/servo-host.js";
import { xorshift32 } from "../../test/xorshift.js";
import { ChronyServo, type ChronyServoOptions, NtpdServo, ReferenceClock, type Slew } from "../index.js";

/** The servos over the kernel's own arithmetic: a 2.5 GHz TSC, ticks every 4 ms, a multiplier whose unit is 149 ppb. */

const MS = 1_000_000n;
const SECOND = 1_000_000_000n;
const START = 1_700_000_000n * SECOND;
const STA_UNSYNC = 0x0040;

const size = (ns: bigint): bigint => (ns < 0n ? -ns : ns);
/** What one unit of the multiplier makes of a duration, rounded up: how far the dither can be off. */
const dither = (ns: bigint): bigint => (ns * 149n) / SECOND + 2n;

describe("the procedure of the report (docs/model/scenarios-clock §S2.b)", () => {
  it.each([
    ["set back by 0.5 s: rate +8.33 %", 500n * MS, 10_833n],
    ["set forward by 0.5 s: rate −8.33 %", -500n * MS, 9_167n],
  ])("a clock %s for 6.002 s", (_, deltaNs, tick) => {
    const host = new ServoHost({ startNs: START });
    const { timekeeper } = host;
    const reference = new ReferenceClock({ trueNs: () => host.trueNs() });
    host.runToCounter(25_000_000_003n);
    const [monoNs, realNs, rawNs] = [timekeeper.monotonicNs(), timekeeper.realtimeNs(), timekeeper.rawNs()];
    const setTo = realNs - deltaNs;
    expect(timekeeper.settimeofday({ sec: setTo / SECOND, nsec: setTo % SECOND })).toBe(0);
    expect(timekeeper.monotonicNs()).toBe(monoNs);
    expect(timekeeper.realtimeNs()).toBe(setTo);
    const { status, offset } = timekeeper.adjtimex({ modes: 0 });
    expect({ unsync: status & STA_UNSYNC, offset }).toEqual({ unsync: STA_UNSYNC, offset: 0n });

    const slews: Slew[] = [];
    const ends: bigint[] = [];
    const servo = new ChronyServo({
      clock: timekeeper,
      reference,
      nowNs: () => timekeeper.rawNs(),
      maxSlewPpb: 83_300_000,
      events: { onSlew: (slew) => slews.push(slew), onSlewEnd: (atNs) => ends.push(atNs) },
    });
    servo.act();
    expect(timekeeper.adjtimex({ modes: 0 }).tick).toBe(tick);
    host.run(servo, rawNs + 7n * SECOND);
    expect(timekeeper.adjtimex({ modes: 0 }).tick).toBe(10_000n);
    // The TSC's mult is 59.6 ppb low, so after 10 s CLOCK_REALTIME is 596 ns behind as well: part of the offset.
    const [slew] = slews;
    const [endNs] = ends;
    if (slew === undefined || endNs === undefined) throw new Error("no slew");
    expect(slew.offsetNs).toBe(deltaNs + 596n);
    expect(slew).toMatchObject({ endNs: rawNs + (size(slew.offsetNs) * 10_000n + 416n) / 833n });
    expect(slew).toMatchObject({ endNs });
    const gained = timekeeper.monotonicNs() - monoNs - (timekeeper.rawNs() - rawNs);
    expect(size(gained - slew.offsetNs) <= dither(7n * SECOND), `${gained} ns`).toBe(true);
  });
});

describe("the kernel's loop under an NtpdServo", () => {
  it("removes 4.755 ms of 10 ms in 10 s at time constant 2", () => {
    const host = new ServoHost({ startNs: START });
    const { timekeeper } = host;
    const reference = new ReferenceClock({ trueNs: () => host.trueNs(), offsetNs: 10n * MS });
    const servo = new NtpdServo({
      clock: timekeeper,
      reference,
      nowNs: () => timekeeper.rawNs(),
      timeConstant: 2,
    });
    host.run(servo, 11n * SECOND);
    const gained = timekeeper.monotonicNs() - timekeeper.rawNs();
    // A new second's slew begins with the tick after the one that rolled over, 4 ms late at 625 ppm: 2.5 µs.
    expect(size(gained - 4_755_395n) <= 2_500n + dither(10n * SECOND), `${gained} ns`).toBe(true);
  });
});

describe("a ChronyServo over a Timekeeper", () => {
  const world = fc.record({
    seed: fc.integer({ min: 1, max: 0xffff_ffff }),
    offsetNs: fc.bigInt({ min: -SECOND, max: SECOND }),
    hardwarePpb: fc.bigInt({ min: -300_000n, max: 300_000n }),
    jitterNs: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 5n * MS })),
  });
  type World = typeof world extends fc.Arbitrary<infer W> ? W : never;

  function create(w: World) {
    const host = new ServoHost({ startNs: START, hardwarePpb: w.hardwarePpb });
    const random = xorshift32(w.seed);
    const { offsetNs, jitterNs } = w;
    const reference = new ReferenceClock({ trueNs: () => host.trueNs(), offsetNs, jitterNs, random });
    const { timekeeper } = host;
    const options: ChronyServoOptions = {
      clock: timekeeper,
      reference,
      nowNs: () => timekeeper.rawNs(),
      pollNs: 4n * SECOND,
    };
    return { host, reference, options, servo: new ChronyServo(options) };
  }

  // Half the jitter and what the line makes of it, 0.94 of the jitter; one tick, which is how far the kernel's account of a
  // slew and the slew itself can lie apart.
  it("removes any offset and any drift but for the jitter and a tick", () => {
    fc.assert(
      fc.property(world, (w) => {
        const { host, servo, reference } = create(w);
        for (let second = 160n; second < 170n; second++) {
          host.run(servo, second * SECOND + 500n * MS);
          const offset = reference.realtimeNs() - host.timekeeper.realtimeNs();
          expect(size(offset) <= w.jitterNs + 4n * MS, `${offset} ns`).toBe(true);
        }
      }),
      { numRuns: 8 },
    );
  });

  it("removes them to the dither when there is no jitter", () => {
    fc.assert(
      fc.property(world, (w) => {
        const { host, servo, reference } = create({ ...w, jitterNs: 0n });
        host.run(servo, 170n * SECOND);
        const offset = reference.realtimeNs() - host.timekeeper.realtimeNs();
        // The line looks back on 8 polls of 4 s, over which the dither may have drained an old slew or not.
        expect(size(offset) <= dither(32n * SECOND), `${offset} ns`).toBe(true);
      }),
      { numRuns: 8 },
    );
  });

  it("shows the same clock for the same seed", () => {
    fc.assert(
      fc.property(world, (w) => {
        const [first, second] = [create(w), create(w)];
        first.host.run(first.servo, 30n * SECOND);
        second.host.run(second.servo, 30n * SECOND);
        expect(second.host.timekeeper.state()).toEqual(first.host.timekeeper.state());
        expect(second.servo.state()).toEqual(first.servo.state());
      }),
      { numRuns: 4 },
    );
  });
});
