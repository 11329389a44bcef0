import { describe, expect, it } from "vitest";
import { ExactClock } from "../../test/exact-clock.js";
import { NtpClock } from "../../test/ntp-clock.js";
import { runServo } from "../../test/run-servo.js";
import {
  ChronyServo,
  type ChronyServoOptions,
  ReferenceClock,
  type ServoEvents,
  type Slew,
} from "../index.js";

const MS = 1_000_000n;
const SECOND = 1_000_000_000n;
const POLL = 64n * SECOND;
const PPM = 65_536n;
const ADJ_OFFSET = 0x0001;
const ADJ_FREQUENCY = 0x0002;
const ADJ_STATUS = 0x0010;
const ADJ_TIMECONST = 0x0020;
const ADJ_SETOFFSET = 0x0100;
const ADJ_NANO = 0x2000;
const ADJ_TICK = 0x4000;
const STA_PLL = 0x0001;
const STA_UNSYNC = 0x0040;

/** A servo on true time against an exact reference, and a log of what it reports. */
function setup(clock: ExactClock, options: Partial<ChronyServoOptions> = {}) {
  const log: [keyof ServoEvents, unknown][] = [];
  const events: ServoEvents = {
    onSample: (sample) => log.push(["onSample", sample]),
    onStep: (offsetNs) => log.push(["onStep", offsetNs]),
    onSlew: (slew) => log.push(["onSlew", slew]),
    onSlewEnd: (atNs) => log.push(["onSlewEnd", atNs]),
    onPanic: (offsetNs) => log.push(["onPanic", offsetNs]),
    onRefused: (result) => log.push(["onRefused", result]),
  };
  const trueNs = (): bigint => clock.trueNs;
  const reference = new ReferenceClock({ trueNs });
  const servo = new ChronyServo({ clock, reference, nowNs: trueNs, events, ...options });
  return { clock, servo, log, offsetNs: (): bigint => reference.realtimeNs() - clock.realtimeNs() };
}

describe("a slew", () => {
  it.each<[string, bigint, number | undefined, bigint, bigint, bigint]>([
    ["0.5 s behind at 83 300 ppm", 500n * MS, 83_300_000, 10_833n, 0n, 6_002_400_960n],
    ["0.5 s ahead at 83 300 ppm", -500n * MS, 83_300_000, 9_167n, 0n, 6_002_400_960n],
    ["0.5 s behind at chrony's default", 500n * MS, undefined, 10_833n, 2_184_511n, 6_000_000_025n],
    ["0.5 s ahead at chrony's default", -500n * MS, undefined, 9_167n, -2_184_511n, 6_000_000_025n],
    ["0.5 s at all that adjtimex reaches", 500n * MS, 100_500_000, 11_000n, 500n * PPM, 4_975_124_378n],
    ["10 ms, spread over a second", 10n * MS, undefined, 10_100n, 0n, SECOND],
    ["60 µs, most of it by tick", 60_000n, undefined, 10_001n, -40n * PPM, SECOND],
    ["40 µs, by frequency alone", -40_000n, undefined, 10_000n, -40n * PPM, SECOND],
    ["10 ms at no more than 500 ppm", 10n * MS, 500_000, 10_005n, 0n, 20n * SECOND],
    ["a nanosecond, at a rate that the kernel has", 1n, undefined, 10_000n, 66n, 992_969_697n],
  ])("removes %s", (_, behindNs, maxSlewPpb, tick, freq, endNs) => {
    const clock = new ExactClock({ behindNs });
    const { servo, offsetNs } = setup(clock, maxSlewPpb === undefined ? {} : { maxSlewPpb });
    servo.act();
    expect(servo.slew).toEqual({ kind: "rate", offsetNs: behindNs, tick, freq, endNs });
    expect([clock.tick, clock.freq]).toEqual([tick, freq]);
    expect(servo.nextActionNs).toBe(endNs);
    runServo(servo, clock, endNs);
    expect([clock.tick, clock.freq]).toEqual([10_000n, 0n]);
    expect(servo.slew).toBeUndefined();
    expect(servo.nextActionNs).toBe(POLL);
    // The end is to the nearest ns and the reading rounds down: at the fastest, 0.1 ns and then part of one.
    expect([0n, 1n]).toContain(offsetNs());
  });

  it("tells everything in the order it happens", () => {
    const { servo, clock, log } = setup(new ExactClock({ behindNs: 10n * MS }));
    runServo(servo, clock, 2n * SECOND);
    const slew: Slew = { kind: "rate", offsetNs: 10n * MS, tick: 10_100n, freq: 0n, endNs: SECOND };
    expect(log).toEqual([
      ["onSample", { atNs: 0n, offsetNs: 10n * MS, delayNs: 0n, verdict: "accepted" }],
      ["onSlew", slew],
      ["onSlewEnd", SECOND],
    ]);
  });

  it("does not happen for an offset of 0, and leaves nothing to end", () => {
    const { servo, clock, log } = setup(new ExactClock());
    runServo(servo, clock, SECOND);
    expect(log.map(([name]) => name)).toEqual(["onSample"]);
    expect(servo.nextActionNs).toBe(POLL);
    expect(clock.calls.at(-1)).toEqual({ modes: ADJ_TICK | ADJ_FREQUENCY, tick: 10_000n, freq: 0n });
  });

  it("that outlasts the poll is replaced by one for what is left", () => {
    const { servo, clock, log, offsetNs } = setup(new ExactClock({ behindNs: 10n * SECOND }), {
      maxSlewPpb: 100_000_000,
    });
    runServo(servo, clock, POLL);
    const [first, second] = log.filter(([name]) => name === "onSlew").map(([, slew]) => slew as Slew);
    expect(first).toMatchObject({ offsetNs: 10n * SECOND, endNs: 100n * SECOND });
    expect(second).toMatchObject({ offsetNs: 3_600n * MS, endNs: 100n * SECOND });
    runServo(servo, clock, 100n * SECOND);
    expect(offsetNs()).toBe(0n);
    expect(log.filter(([name]) => name === "onSlewEnd")).toEqual([["onSlewEnd", 100n * SECOND]]);
  });

  it("together with the frequency correction stays within what adjtimex reaches", () => {
    // 400 ppm slow, so the last 400 ppm of the way up are taken already.
    const clock = new ExactClock({ hardwarePpb: -400_000n });
    const { servo } = setup(clock, { maxSlewPpb: 100_500_000 });
    runServo(servo, clock, 3n * POLL + 10n * SECOND);
    const base = servo.frequency;
    clock.set(-20n * SECOND);
    servo.poll();
    expect([clock.tick, clock.freq]).toEqual([11_000n, 500n * PPM]);
    const { slew } = servo;
    if (slew?.kind !== "rate") throw new Error("no slew");
    const added = 100_500n * PPM - base;
    const size = slew.offsetNs * 65_536_000_000n;
    const lasts = slew.endNs - clock.trueNs;
    expect(2n * (lasts * added - size) <= added && 2n * (size - lasts * added) <= added).toBe(true);
  });

  it("ended late went further, and the next poll takes that back", () => {
    const { servo, clock, offsetNs } = setup(new ExactClock({ behindNs: 10n * MS }));
    servo.act();
    clock.trueNs = 2n * SECOND;
    servo.act();
    expect(offsetNs()).toBe(-10n * MS);
    runServo(servo, clock, POLL + SECOND);
    expect(offsetNs()).toBe(0n);
  });
});

describe("when it is called", () => {
  it("polls at once, then every pollNs", () => {
    const { servo, clock, log } = setup(new ExactClock({ trueNs: 7n }), { pollNs: 4n * MS });
    expect(servo.nextActionNs).toBe(7n);
    runServo(servo, clock, 8n * MS + 7n);
    expect(log.map(([, sample]) => (sample as { atNs: bigint }).atNs)).toEqual([
      7n,
      4n * MS + 7n,
      8n * MS + 7n,
    ]);
  });

  it("does nothing before it is due", () => {
    const { servo, clock, log } = setup(new ExactClock());
    servo.act();
    clock.trueNs = POLL - 1n;
    servo.act();
    expect(log).toHaveLength(1);
  });

  it("polls once however many polls were missed, and counts on from there", () => {
    const { servo, clock } = setup(new ExactClock());
    servo.act();
    clock.trueNs = 10n * POLL + 5n;
    servo.act();
    expect(servo.updates).toBe(2);
    expect(servo.nextActionNs).toBe(11n * POLL + 5n);
  });

  it("polls out of turn when told to", () => {
    const { servo, clock } = setup(new ExactClock());
    servo.act();
    clock.trueNs = 5n * SECOND;
    servo.poll();
    expect(servo.updates).toBe(2);
    expect(servo.nextActionNs).toBe(5n * SECOND + POLL);
  });

  it("ends a slew that is due before it polls in the same call", () => {
    const { servo, clock, log } = setup(new ExactClock({ behindNs: 10n * MS }), { pollNs: SECOND });
    runServo(servo, clock, SECOND);
    expect(log.map(([name]) => name)).toEqual(["onSample", "onSlew", "onSlewEnd", "onSample"]);
  });
});

describe("makestep", () => {
  const stepped = (log: readonly (readonly [string, unknown])[]): unknown[] =>
    log.filter(([name]) => name === "onStep").map(([, offsetNs]) => offsetNs);

  it.each<[string, bigint, ChronyServoOptions["makestep"], boolean]>([
    ["is off unless asked for", 1_000n * SECOND, undefined, false],
    ["steps above the threshold", SECOND + 1n, { thresholdNs: SECOND, limit: 1 }, true],
    ["steps a clock that is ahead", -SECOND - 1n, { thresholdNs: SECOND, limit: 1 }, true],
    ["slews at the threshold", SECOND, { thresholdNs: SECOND, limit: 1 }, false],
    ["never steps with a limit of 0", 2n * SECOND, { thresholdNs: SECOND, limit: 0 }, false],
    ["steps any offset with a threshold of 0", 1n, { thresholdNs: 0n, limit: -1 }, true],
  ])("%s", (_, behindNs, makestep, steps) => {
    const { servo, log, offsetNs } = setup(
      new ExactClock({ behindNs }),
      makestep === undefined ? {} : { makestep },
    );
    servo.act();
    expect(stepped(log)).toEqual(steps ? [behindNs] : []);
    expect(offsetNs()).toBe(steps ? 0n : behindNs);
    expect(servo.slew === undefined).toBe(steps);
  });

  it.each([
    ["only in the first 2 updates", 2, 2],
    ["always, with a limit below 0", -1, 5],
  ])("steps %s", (_, limit, steps) => {
    const { servo, clock, log } = setup(new ExactClock(), { makestep: { thresholdNs: SECOND, limit } });
    for (let n = 0n; n < 5n; n++) {
      clock.trueNs = n * POLL;
      clock.set(-10n * SECOND);
      servo.poll();
    }
    expect(stepped(log)).toHaveLength(steps);
  });

  it.each([
    ["whole seconds and the rest", 3n * SECOND + 5n, { sec: 3n, usec: 5n }],
    ["never negative nanoseconds", -3n * SECOND - 5n, { sec: -4n, usec: 999_999_995n }],
    ["whole negative seconds", -3n * SECOND, { sec: -3n, usec: 0n }],
  ])("passes %s to ADJ_SETOFFSET in ns", (_, behindNs, time) => {
    const { servo, clock } = setup(new ExactClock({ behindNs }), {
      makestep: { thresholdNs: SECOND, limit: 1 },
    });
    servo.act();
    expect(clock.calls).toContainEqual({ modes: ADJ_SETOFFSET | ADJ_NANO, time });
  });

  it("ends a slew that is running", () => {
    const { servo, clock, log } = setup(new ExactClock({ behindNs: 900n * MS }), {
      makestep: { thresholdNs: SECOND, limit: -1 },
    });
    servo.act();
    clock.trueNs = SECOND;
    clock.set(-5n * SECOND);
    servo.poll();
    expect(log.slice(-2).map(([name]) => name)).toEqual(["onSlewEnd", "onStep"]);
    expect([clock.tick, clock.freq]).toEqual([10_000n, 0n]);
  });

  it("slews what adjtimex refuses to step", () => {
    const clock = new ExactClock({ behindNs: 2n * SECOND });
    clock.refuseSteps = true;
    const { servo, log } = setup(clock, { makestep: { thresholdNs: SECOND, limit: 1 } });
    servo.act();
    expect(log.slice(1).map(([name, what]) => [name, typeof what === "number" ? what : ""])).toEqual([
      ["onRefused", -22],
      ["onSlew", ""],
    ]);
    expect(clock.tick).toBe(10_833n);
  });
});

describe("the frequency", () => {
  it("is learnt from the third measurement on", () => {
    const { servo, clock } = setup(new ExactClock({ hardwarePpb: -100_000n }));
    runServo(servo, clock, 2n * POLL - 1n);
    expect(servo.frequency).toBe(0n);
    runServo(servo, clock, 2n * POLL);
    // 6.4 ms at the second were slewed, and came to 100 ppm less of it: 12.800 64 ms in 128 s are 100.005 ppm.
    expect(servo.frequency).toBe(6_553_928n);
    runServo(servo, clock, 40n * POLL);
    // 1/(1 − 10^-4) − 1 = 100.010001 ppm
    expect(servo.frequency).toBe(6_554_255n);
  });

  it("is learnt to the unit at once on the clock's own raw time", () => {
    const clock = new ExactClock({ hardwarePpb: -100_000n });
    const { servo } = setup(clock, { nowNs: () => clock.rawNs });
    for (let n = 0; n < 12; n++) {
      clock.trueNs = clock.trueNsAtRaw(servo.nextActionNs);
      servo.act();
    }
    expect(servo.frequency).toBe(6_554_255n);
  });

  it.each([
    ["as it is, up to maxDriftPpb", 200_000, 13_107_200n],
    ["no further than maxDriftPpb", 199_999, 13_107_134n],
  ])("is believed %s", (_, maxDriftPpb, frequency) => {
    const clock = new ExactClock();
    // Round trips of a second: the offset, 200 ppm of the unsteered clock, may be anything.
    const measure = () => ({
      offsetNs: clock.trueNs + clock.trueNs / 5_000n - clock.realtimeNs(),
      delayNs: SECOND,
    });
    const { servo } = setup(clock, { reference: { measure }, maxDriftPpb });
    runServo(servo, clock, 2n * POLL);
    expect(servo.frequency).toBe(frequency);
  });

  it("survives that somebody else sets the clock", () => {
    const { servo, clock, log, offsetNs } = setup(new ExactClock({ hardwarePpb: -100_000n }));
    runServo(servo, clock, 20n * POLL + SECOND);
    const learnt = servo.frequency;
    clock.set(-400n * MS);
    runServo(servo, clock, 21n * POLL);
    expect(log.filter(([name]) => name === "onSample").at(-1)?.[1]).toMatchObject({
      verdict: "clock-was-set",
    });
    expect(servo.frequency).toBe(learnt);
    runServo(servo, clock, 21n * POLL + 10n * SECOND);
    expect(offsetNs() < 50_000n && offsetNs() > -50_000n).toBe(true);
  });

  it.each([
    ["as much as the clock may drift and half the round trips, and is a drift", 42n * MS + 2n, "accepted"],
    ["a nanosecond more, and somebody set the clock", 42n * MS + 3n, "clock-was-set"],
  ])("between two polls an offset moves %s", (_, byNs, verdict) => {
    const clock = new ExactClock();
    // 500 ppm of 64 s are 32 ms; 10 ms of delay twice, halved, are 10 ms.
    const reference = new ReferenceClock({ trueNs: () => clock.trueNs, roundTripNs: 10n * MS });
    const { servo, log } = setup(clock, { reference });
    servo.act();
    clock.trueNs = POLL;
    clock.set(-byNs);
    servo.act();
    expect(log.filter(([name]) => name === "onSample").at(-1)?.[1]).toMatchObject({ verdict });
  });
});

describe("taking a clock over", () => {
  it("keeps the frequency that is set", () => {
    const { servo, clock } = setup(new ExactClock({ tick: 10_001n, freq: -30n * PPM }));
    servo.act();
    expect(servo.frequency).toBe(70n * PPM);
    expect(clock.tick * 100n + clock.freq / PPM).toBe(10_001n * 100n - 30n);
  });

  it("does not take a slew that another servo left running for a frequency", () => {
    const { servo, clock } = setup(new ExactClock({ tick: 10_833n }));
    servo.act();
    expect([clock.tick, clock.freq]).toEqual([10_005n, 0n]);
    expect(servo.frequency).toBe(500n * PPM);
  });

  it("empties and turns off the kernel's loop", () => {
    const clock = new NtpClock(1_000n * SECOND);
    clock.adjtimex({
      modes: ADJ_STATUS | ADJ_NANO | ADJ_OFFSET | ADJ_TIMECONST,
      status: STA_PLL,
      constant: 2n,
      offset: 10n * MS,
    });
    const reference = new ReferenceClock({ trueNs: () => 1_000n * SECOND + clock.trueNs });
    new ChronyServo({ clock, reference, nowNs: () => clock.trueNs }).act();
    const { status, offset } = clock.adjtimex({ modes: 0 });
    expect({ status, offset }).toEqual({ status: STA_UNSYNC, offset: 0n });
    clock.runUntil(10n * SECOND);
    expect(clock.realtimeNs()).toBe(1_010n * SECOND);
  });
});
