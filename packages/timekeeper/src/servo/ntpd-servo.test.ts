import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NtpClock } from "../../test/ntp-clock.js";
import { xorshift32 } from "../../test/xorshift.js";
import { NtpdServo, type NtpdServoOptions, ReferenceClock, type ServoEvents } from "../index.js";

const MS = 1_000_000n;
const SECOND = 1_000_000_000n;
const POLL = 64n * SECOND;
/** The clock starts here, on a whole second; the servo's axis does at 0, for short figures. */
const START = 1_000_000n * SECOND;
const STA_PLL = 0x0001;
const STA_UNSYNC = 0x0040;
const STA_NANO = 0x2000;

/** A servo on true time, and a log of what it reports. */
function setup(behindNs: bigint, options: Partial<NtpdServoOptions> = {}) {
  const clock = new NtpClock(START);
  const log: [keyof ServoEvents, unknown][] = [];
  const events: ServoEvents = {
    onSample: ({ atNs, verdict }) => log.push(["onSample", `${verdict} at ${atNs / SECOND} s`]),
    onStep: (offsetNs) => log.push(["onStep", offsetNs]),
    onSlew: (slew) => log.push(["onSlew", slew]),
    onSlewEnd: (atNs) => log.push(["onSlewEnd", atNs]),
    onPanic: (offsetNs) => log.push(["onPanic", offsetNs]),
    onRefused: (result) => log.push(["onRefused", result]),
  };
  const reference = new ReferenceClock({ trueNs: () => START + clock.trueNs, offsetNs: behindNs });
  const all: NtpdServoOptions = { clock, reference, nowNs: () => clock.trueNs, events, ...options };
  return {
    clock,
    log,
    all,
    servo: new NtpdServo(all),
    offsetNs: (): bigint => reference.realtimeNs() - clock.realtimeNs(),
    names: (): string[] => log.map(([name, what]) => (name === "onSample" ? String(what) : name)),
  };
}

/** Acts at the instants the servo names, up to `untilNs`. */
function run({ servo, clock }: { servo: NtpdServo; clock: NtpClock }, untilNs: bigint): void {
  let next = servo.nextActionNs;
  while (next !== undefined && next <= untilNs) {
    clock.runUntil(next);
    servo.act();
    next = servo.nextActionNs;
  }
  clock.runUntil(untilNs);
}

describe("the kernel's loop", () => {
  it("removes 10 ms by 625, 585.9, 549.3 … ppm, and 4.755 ms in 10 s, at time constant 2", () => {
    const world = setup(10n * MS, { timeConstant: 2 });
    // The second in which the offset is passed has its length already; the slew starts with the next.
    run(world, SECOND);
    const slewed: bigint[] = [];
    let before = world.offsetNs();
    for (let second = 2n; second <= 11n; second++) {
      run(world, second * SECOND);
      slewed.push(before - world.offsetNs());
      before = world.offsetNs();
    }
    const total = slewed.reduce((sum, ns) => sum + ns, 0n);
    // 585 937.5, read in whole ns.
    expect(slewed.slice(0, 3)).toEqual([625_000n, 585_937n, 549_316n]);
    expect(total).toBe(4_755_395n);
  });

  it.each([
    [0, 2_500_000n],
    [4, 156_250n],
    [6, 39_062n],
    [10, 2_441n],
  ])("removes 10 ms at time constant %d by %d ns in the first second", (timeConstant, ns) => {
    const world = setup(10n * MS, { timeConstant });
    run(world, SECOND);
    const before = world.offsetNs();
    run(world, 2n * SECOND);
    expect(before - world.offsetNs()).toBe(ns);
  });

  it("is told the offset in ns, synchronised, with half the round trip as its error", () => {
    const clock = new NtpClock(START - 1_500n);
    const reference = new ReferenceClock({ trueNs: () => START, roundTripNs: 6_001n });
    new NtpdServo({ clock, reference, nowNs: () => 0n, timeConstant: 3 }).act();
    const { status, constant, maxerror, esterror } = clock.adjtimex({ modes: 0 });
    expect({ status, constant, maxerror, esterror }).toEqual({
      status: STA_PLL | STA_NANO,
      constant: 3n,
      maxerror: 4n,
      esterror: 2n,
    });
  });

  it.each([
    ["settles with polls just within 2^(6+tc) s", 0, 60n, true],
    ["swings up to its limit with polls just beyond", 0, 68n, false],
    ["settles with longer polls at a larger time constant", 3, 480n, true],
    ["which has its own limit", 3, 544n, false],
  ])("%s", (_, timeConstant, pollSec, settles) => {
    const world = setup(0n, { timeConstant, pollNs: pollSec * SECOND, stepThresholdNs: 0n });
    run(world, 0n);
    // The first offset of a loop is no frequency's fault; this is the second.
    world.clock.set(-10n * MS);
    const worstOver = (polls: bigint): bigint => {
      let worst = 0n;
      for (let poll = 0n; poll < polls; poll++) {
        run(world, world.clock.trueNs + pollSec * SECOND);
        const offset = world.offsetNs();
        worst = offset > worst ? offset : -offset > worst ? -offset : worst;
      }
      return worst;
    };
    worstOver(120n);
    const worst = worstOver(8n);
    expect(settles ? worst < 100_000n : worst > 10n * MS, `${worst} ns`).toBe(true);
  });

  it("has the time constant of 64 s polls unless told otherwise", () => {
    const world = setup(0n);
    run(world, 0n);
    expect(world.log).toContainEqual(["onSlew", { kind: "pll", offsetNs: 0n, timeConstant: 6 }]);
    expect(world.servo.nextActionNs).toBe(POLL);
  });
});

describe("the step threshold", () => {
  it.each<[string, bigint, Partial<NtpdServoOptions>, string[]]>([
    ["128 ms are slewed", 128n * MS, {}, ["accepted at 0 s", "onSlew"]],
    ["a nanosecond more is stepped, being the first", 128n * MS + 1n, {}, ["accepted at 0 s", "onStep"]],
    ["ahead as behind", -128n * MS - 1n, {}, ["accepted at 0 s", "onStep"]],
    ["another threshold", 5n * MS, { stepThresholdNs: 4n * MS }, ["accepted at 0 s", "onStep"]],
    [
      "no threshold: everything is slewed",
      900n * SECOND,
      { stepThresholdNs: 0n },
      ["accepted at 0 s", "onSlew"],
    ],
  ])("%s", (_, behindNs, options, expected) => {
    const world = setup(behindNs, options);
    run(world, 0n);
    expect(world.names()).toEqual(expected);
    expect(world.offsetNs()).toBe(expected[1] === "onStep" ? 0n : behindNs);
  });

  it("steps a later offset once it has lasted 300 s since the last good one", () => {
    const world = setup(0n);
    run(world, 0n);
    world.clock.set(-SECOND);
    run(world, 6n * POLL);
    expect(world.names().slice(2)).toEqual([
      "spike at 64 s",
      "spike at 128 s",
      "spike at 192 s",
      "spike at 256 s",
      "accepted at 320 s",
      "onStep",
      "accepted at 384 s",
      "onSlew",
    ]);
    expect(world.offsetNs()).toBe(0n);
  });

  it.each([
    ["at the stepout", 320n * SECOND, "accepted at 320 s"],
    ["not a nanosecond before", 320n * SECOND + 1n, "spike at 320 s"],
  ])("steps %s", (_, stepoutNs, expected) => {
    const world = setup(0n, { stepoutNs });
    run(world, 0n);
    world.clock.set(-SECOND);
    run(world, 5n * POLL);
    expect(world.names()).toContain(expected);
  });

  it("does not step the first bad sample after a silence longer than the stepout", () => {
    const world = setup(0n);
    run(world, 0n);
    world.clock.set(-SECOND);
    world.clock.runUntil(1_000n * SECOND);
    world.servo.act();
    expect(world.names().slice(2)).toEqual(["spike at 1000 s"]);
  });

  it("forgets a spike that is gone", () => {
    const world = setup(0n);
    run(world, 0n);
    world.clock.set(-SECOND);
    run(world, 2n * POLL);
    world.clock.set(SECOND);
    run(world, 3n * POLL);
    world.clock.set(-SECOND);
    run(world, 7n * POLL);
    expect(world.names()).not.toContain("onStep");
    run(world, 8n * POLL);
    expect(world.names()).toContain("onStep");
  });

  it("keeps trying a step that adjtimex refuses", () => {
    const world = setup(SECOND);
    world.clock.refuseSteps = true;
    run(world, POLL);
    expect(world.log.filter(([name]) => name === "onRefused")).toEqual([
      ["onRefused", -22],
      ["onRefused", -22],
    ]);
    expect(world.servo.updates).toBe(0);
    world.clock.refuseSteps = false;
    run(world, 2n * POLL);
    expect(world.offsetNs()).toBe(0n);
  });

  it("leaves the clock unsynchronised by a step, until the next poll", () => {
    const world = setup(SECOND);
    run(world, 0n);
    expect(world.clock.adjtimex({ modes: 0 }).status & STA_UNSYNC).toBe(STA_UNSYNC);
    run(world, POLL);
    expect(world.clock.adjtimex({ modes: 0 }).status & STA_UNSYNC).toBe(0);
  });
});

describe("the panic threshold", () => {
  it.each<[string, bigint, Partial<NtpdServoOptions>, string[]]>([
    ["1000 s are believed", 1_000n * SECOND, {}, ["accepted at 0 s", "onStep"]],
    ["a nanosecond more is not", 1_000n * SECOND + 1n, {}, ["panic at 0 s", "onPanic"]],
    ["ahead as behind", -1_000n * SECOND - 1n, {}, ["panic at 0 s", "onPanic"]],
    ["another threshold", 3n * SECOND, { panicThresholdNs: 2n * SECOND }, ["panic at 0 s", "onPanic"]],
    [
      "no threshold: everything is believed",
      9_999n * SECOND,
      { panicThresholdNs: 0n },
      ["accepted at 0 s", "onStep"],
    ],
    ["the first is exempt", 9_999n * SECOND, { panicGate: "first-exempt" }, ["accepted at 0 s", "onStep"]],
  ])("%s", (_, behindNs, options, expected) => {
    const world = setup(behindNs, options);
    run(world, 0n);
    expect(world.names()).toEqual(expected);
  });

  it("holds for every later update, exempt or not", () => {
    const world = setup(0n, { panicGate: "first-exempt" });
    run(world, 0n);
    world.clock.set(-1_001n * SECOND);
    run(world, POLL);
    expect(world.log.at(-1)).toEqual(["onPanic", 1_001n * SECOND]);
  });

  it("stops the servo for good", () => {
    const world = setup(2_000n * SECOND);
    run(world, 0n);
    expect(world.servo.nextActionNs).toBeUndefined();
    world.clock.runUntil(POLL);
    world.servo.act();
    world.servo.poll();
    expect(world.names()).toHaveLength(2);
    expect(world.offsetNs()).toBe(2_000n * SECOND);
  });
});

describe("when it is called", () => {
  it("does nothing before it is due, and polls once however many polls were missed", () => {
    const { servo, clock } = setup(0n);
    servo.act();
    clock.runUntil(POLL - 10n * MS);
    servo.act();
    expect(servo.updates).toBe(1);
    clock.runUntil(10n * POLL);
    servo.act();
    expect(servo.updates).toBe(2);
    expect(servo.nextActionNs).toBe(11n * POLL);
  });

  it("polls out of turn when told to", () => {
    const { servo, clock } = setup(0n);
    servo.act();
    clock.runUntil(SECOND);
    servo.poll();
    expect(servo.nextActionNs).toBe(SECOND + POLL);
  });
});

describe("an NtpdServo", () => {
  const world = fc.record({
    seed: fc.integer({ min: 1, max: 0xffff_ffff }),
    behindNs: fc.bigInt({ min: -400n * MS, max: 400n * MS }),
    jitterNs: fc.bigInt({ min: 0n, max: 200n * MS }),
    stepoutNs: fc.bigInt({ min: 0n, max: 60n * SECOND }),
  });

  function create({
    seed,
    behindNs,
    jitterNs,
    stepoutNs,
  }: {
    seed: number;
    behindNs: bigint;
    jitterNs: bigint;
    stepoutNs: bigint;
  }) {
    const clock = new NtpClock(START - behindNs);
    const random = xorshift32(seed);
    const reference = new ReferenceClock({ trueNs: () => START + clock.trueNs, jitterNs, random });
    const all: NtpdServoOptions = {
      clock,
      reference,
      nowNs: () => clock.trueNs,
      pollNs: 8n * SECOND,
      timeConstant: 2,
      stepThresholdNs: 50n * MS,
      stepoutNs,
    };
    return { clock, all, servo: new NtpdServo(all) };
  }

  it("does the same again for the same seed, and goes on from its state as if it had never stopped", () => {
    fc.assert(
      fc.property(world, fc.bigInt({ min: 0n, max: 8n }), (w, polls) => {
        const [first, second] = [create(w), create(w)];
        run(first, polls * 8n * SECOND + SECOND);
        run(second, polls * 8n * SECOND + SECOND);
        expect(second.servo.state()).toEqual(first.servo.state());
        const saved = JSON.parse(JSON.stringify(first.servo.state()));
        const restored = { clock: first.clock, servo: NtpdServo.fromState(saved, first.all) };
        expect(restored.servo.state()).toEqual(saved);
        run(restored, 100n * SECOND);
        run(second, 100n * SECOND);
        expect(restored.servo.state()).toEqual(second.servo.state());
        expect(restored.clock.ntp.state()).toEqual(second.clock.ntp.state());
        expect(restored.clock.realtimeNs()).toBe(second.clock.realtimeNs());
      }),
      { numRuns: 30 },
    );
  });

  // The loop alone, as a naive reference: 1/16 of what is left per second, counted in 2^-32 ns per tick of 1/100 s.
  it("leaves to the kernel exactly 15/16 of an offset per second", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -128n * MS, max: 128n * MS }),
        fc.bigInt({ min: 1n, max: 60n }),
        (behindNs, seconds) => {
          const one = setup(behindNs, { timeConstant: 2, pollNs: 1_000n * SECOND });
          one.servo.act();
          one.clock.runUntil((seconds + 2n) * SECOND);
          let left = ((behindNs < 0n ? -behindNs : behindNs) << 32n) / 100n;
          // As many seconds as began after the offset was passed, by the clock's own count.
          const begun = one.clock.realtimeNs() / SECOND - START / SECOND;
          for (let n = 0n; n < begun; n++) left -= left >> 4n;
          const { timeOffset } = one.clock.ntp.state();
          expect(BigInt(timeOffset)).toBe(behindNs < 0n ? -left : left);
        },
      ),
      { numRuns: 50 },
    );
  });
});
