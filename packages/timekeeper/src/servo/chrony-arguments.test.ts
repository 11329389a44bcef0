import { describe, expect, it } from "vitest";
import { ExactClock } from "../../test/exact-clock.js";
import { ChronyServo, type ChronyServoOptions, type ChronyServoState, ReferenceClock } from "../index.js";

function servoOf(options: Partial<ChronyServoOptions>): ChronyServo {
  const clock = new ExactClock();
  const trueNs = (): bigint => clock.trueNs;
  return new ChronyServo({ clock, reference: new ReferenceClock({ trueNs }), nowNs: trueNs, ...options });
}

describe("a caller's mistake", () => {
  it.each<[string, Partial<ChronyServoOptions>, string]>([
    [
      "a slew faster than adjtimex reaches",
      { maxSlewPpb: 100_500_001 },
      "maxSlewPpb to be a whole number in 1 … 100500000, got 100500001",
    ],
    ["no slew", { maxSlewPpb: 0 }, "maxSlewPpb to be a whole number in 1 … 100500000, got 0"],
    ["a negative slew", { maxSlewPpb: -1 }, "maxSlewPpb to be a whole number in 1 … 100500000, got -1"],
    [
      "a slew of part of a ppb",
      { maxSlewPpb: 83_333_333.3 },
      "maxSlewPpb to be a whole number in 1 … 100500000, got 83333333.3",
    ],
    ["no drift", { maxDriftPpb: 0 }, "maxDriftPpb to be a whole number in 1 … 100500000, got 0"],
    [
      "a drift beyond adjtimex",
      { maxDriftPpb: 100_500_001 },
      "maxDriftPpb to be a whole number in 1 … 100500000, got 100500001",
    ],
    [
      "a poll below the default tick",
      { pollNs: 3_999_999n },
      "pollNs of at least one tick (4000000 ns), got 3999999",
    ],
    ["a poll below a given tick", { pollNs: 9n, tickNs: 10n }, "pollNs of at least one tick (10 ns), got 9"],
    ["a poll of over a year", { pollNs: 2n ** 55n + 1n }, `pollNs from 1 to 2^55 ns, got ${2n ** 55n + 1n}`],
    ["no tick", { tickNs: 0n }, "tickNs from 1 to 2^55 ns, got 0"],
    ["two samples", { samples: 2 }, "samples to be a whole number in 3 … 64, got 2"],
    ["65 samples", { samples: 65 }, "samples to be a whole number in 3 … 64, got 65"],
    [
      "a negative threshold",
      { makestep: { thresholdNs: -1n, limit: 1 } },
      "makestep.thresholdNs from 0 to 2^55 ns, got -1",
    ],
    [
      "part of a step",
      { makestep: { thresholdNs: 0n, limit: 1.5 } },
      "makestep.limit to be a whole number in -2147483648 … 2147483647, got 1.5",
    ],
  ])("is refused: %s", (_, options, message) => {
    expect(() => servoOf(options)).toThrow(new RangeError(`ChronyServo: expected ${message}`));
  });

  it.each<[string, unknown]>([
    ["no options", null],
    ["no clock", { clock: undefined }],
    ["a clock without realtimeNs", { clock: { adjtimex: () => undefined } }],
    ["a clock without adjtimex", { clock: { realtimeNs: () => 0n } }],
    ["no reference", { reference: undefined }],
    ["a reference that measures nothing", { reference: {} }],
    ["no axis", { nowNs: undefined }],
    ["a poll that is a number", { pollNs: 64 }],
    ["a tick that is a number", { tickNs: 4 }],
    ["events that are a function", { events: () => undefined }],
    ["a makestep of null", { makestep: null }],
  ])("is refused by its type: %s", (_, options) => {
    const clock = new ExactClock();
    const good = { clock, reference: new ReferenceClock({ trueNs: () => 0n }), nowNs: () => 0n };
    const all = options === null ? null : { ...good, ...(options as object) };
    expect(() => new ChronyServo(all as never)).toThrow(TypeError);
  });

  it.each<[string, Partial<Record<keyof ChronyServoState, unknown>>]>([
    ["an instant that is no number", { nextPollNs: "soon" }],
    ["an instant that is no string", { nextPollNs: 5 }],
    ["a number of updates below 0", { updates: -1 }],
    ["a rate beyond 64 bits", { baseRate: (2n ** 63n).toString() }],
    ["more samples than it can hold", { samples: Array(9).fill({ atNs: "0", phase: "0", delayNs: "0" }) }],
    ["no samples", { samples: undefined }],
    ["a phase that is no number", { samples: [{ atNs: "0", phase: "1e3", delayNs: "0" }] }],
    ["a phase that is no string", { samples: [{ atNs: "0", phase: 0, delayNs: "0" }] }],
    ["a slew without an end", { slew: { offsetNs: "0", tick: "0", freq: "0" } }],
    ["a slew that is none", { slew: undefined }],
    ["a steering that is none", { steering: undefined }],
    ["a correction that is no number", { steering: { rate: "0", sinceNs: "0", correction: "" } }],
  ])("is a state with %s", (_, wrong) => {
    const options = {
      clock: new ExactClock(),
      reference: { measure: () => ({ offsetNs: 0n, delayNs: 0n }) },
      nowNs: () => 0n,
    };
    const state = new ChronyServo(options).state();
    expect(() => ChronyServo.fromState({ ...state, ...wrong } as never, options)).toThrow(
      /^ChronyServo\.fromState: expected /,
    );
  });

  it.each([5, 2n ** 63n, undefined])("is an axis that stands at %s", (now) => {
    const good = { clock: new ExactClock(), reference: new ReferenceClock({ trueNs: () => 0n }) };
    const message = `ChronyServo: expected nowNs() to be a signed 64-bit bigint, got ${now}`;
    expect(() => new ChronyServo({ ...good, nowNs: () => now as never })).toThrow(message);
    let at: unknown = 0n;
    const servo = new ChronyServo({ ...good, nowNs: () => at as never });
    at = now;
    expect(() => servo.act()).toThrow(message);
    expect(() => servo.poll()).toThrow(message);
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["an offset that is a number", { offsetNs: 0, delayNs: 0n }],
    ["a negative delay", { offsetNs: 0n, delayNs: -1n }],
  ])("is a reference that measures %s", (_, measurement) => {
    const servo = servoOf({ reference: { measure: () => measurement as never } });
    expect(() => servo.act()).toThrow(/^ChronyServo: expected reference\.measure\(\)/);
  });
});
