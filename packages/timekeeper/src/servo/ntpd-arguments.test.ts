import { describe, expect, it } from "vitest";
import { NtpClock } from "../../test/ntp-clock.js";
import { NtpdServo, type NtpdServoOptions, type NtpdServoState, ReferenceClock } from "../index.js";

const clock = new NtpClock(0n);
const nowNs = (): bigint => clock.trueNs;
const OPTIONS: NtpdServoOptions = { clock, reference: new ReferenceClock({ trueNs: nowNs }), nowNs };

function servoOf(options: Partial<NtpdServoOptions>): NtpdServo {
  return new NtpdServo({ ...OPTIONS, ...options });
}

describe("a caller's mistake", () => {
  const LONG = 2n ** 55n;

  it.each<[string, Partial<NtpdServoOptions>, string]>([
    [
      "a time constant above the kernel's",
      { timeConstant: 11 },
      "timeConstant to be a whole number in 0 … 10, got 11",
    ],
    ["a negative time constant", { timeConstant: -1 }, "timeConstant to be a whole number in 0 … 10, got -1"],
    [
      "a poll below the tick",
      { pollNs: 3_999_999n },
      "pollNs of at least one tick (4000000 ns), got 3999999",
    ],
    ["a negative step threshold", { stepThresholdNs: -1n }, "stepThresholdNs from 0 to 2^55 ns, got -1"],
    [
      "a step threshold of over a year",
      { stepThresholdNs: LONG + 1n },
      `stepThresholdNs from 0 to 2^55 ns, got ${LONG + 1n}`,
    ],
    ["a negative stepout", { stepoutNs: -1n }, "stepoutNs from 0 to 2^55 ns, got -1"],
    ["a negative panic threshold", { panicThresholdNs: -1n }, "panicThresholdNs from 0 to 2^55 ns, got -1"],
    [
      "a gate it does not know",
      { panicGate: "never" as never },
      "panicGate to be one of every, first-exempt, got never",
    ],
  ])("is refused: %s", (_, options, message) => {
    expect(() => servoOf(options)).toThrow(new RangeError(`NtpdServo: expected ${message}`));
  });

  it("is refused by its type", () => {
    expect(() => new NtpdServo(undefined as never)).toThrow(TypeError);
    expect(() => servoOf({ stepoutNs: 300 as never })).toThrow(TypeError);
    expect(() => servoOf({ panicThresholdNs: 300 as never })).toThrow(TypeError);
  });

  it.each([5, 2n ** 63n, undefined])("is an axis that stands at %s", (now) => {
    const message = `NtpdServo: expected nowNs() to be a signed 64-bit bigint, got ${now}`;
    expect(() => servoOf({ nowNs: () => now as never })).toThrow(message);
    let at: unknown = 0n;
    const servo = servoOf({ nowNs: () => at as never });
    at = now;
    expect(() => servo.act()).toThrow(message);
    expect(() => servo.poll()).toThrow(message);
  });

  it.each<[string, Partial<Record<keyof NtpdServoState, unknown>>]>([
    ["another phase", { phase: "fast" }],
    ["an instant that is no number", { nextPollNs: "soon" }],
    ["a number of updates below 0", { updates: -1 }],
    ["an instant beyond 64 bits", { updatedNs: (2n ** 63n).toString() }],
  ])("is a state with %s", (_, wrong) => {
    expect(() => NtpdServo.fromState({ ...servoOf({}).state(), ...wrong } as never, OPTIONS)).toThrow(
      /^NtpdServo\.fromState: expected /,
    );
  });
});
