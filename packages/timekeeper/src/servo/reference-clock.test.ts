import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { xorshift32 } from "../../test/xorshift.js";
import { type RandomSource, ReferenceClock, type ReferenceClockOptions } from "../index.js";

const MS = 1_000_000n;
const YEAR_NS = 2n ** 55n;

const draws = (...bits: number[]): RandomSource => ({ nextU32: () => bits.shift() ?? 0 });
const at = (trueNs: bigint, options: Omit<ReferenceClockOptions, "trueNs"> = {}): ReferenceClock =>
  new ReferenceClock({ trueNs: () => trueNs, ...options });
const showing = (ns: bigint): { realtimeNs(): bigint } => ({ realtimeNs: () => ns });

describe("what a reference shows", () => {
  it.each<[string, bigint, Omit<ReferenceClockOptions, "trueNs">, bigint]>([
    ["true time", 1_000n, {}, 1_000n],
    ["true time and its offset", 1_000n, { offsetNs: -300n }, 700n],
    ["a drift from 1970 on", 2_000_000_000n, { frequencyPpb: 1_000 }, 2_000_002_000n],
    [
      "a drift from a given instant on",
      3_000_000_000n,
      { frequencyPpb: -500, sinceNs: 1_000_000_000n },
      2_999_999_000n,
    ],
    ["no part of a nanosecond of drift", 999_999_999n, { frequencyPpb: 1 }, 999_999_999n],
    ["a negative drift rounded down", 1n, { frequencyPpb: -1 }, 0n],
    ["drift before the instant as well", 0n, { frequencyPpb: 1_000, sinceNs: 1_000_000_000n }, -1_000n],
  ])("is %s", (_, trueNs, options, shown) => {
    expect(at(trueNs, options).realtimeNs()).toBe(shown);
  });
});

describe("what a client measures", () => {
  it.each<[string, Omit<ReferenceClockOptions, "trueNs">, bigint, bigint]>([
    ["the offset, if nothing takes time", {}, 200n, 0n],
    ["the offset, if both ways are alike", { roundTripNs: 80n }, 200n, 80n],
    [
      "half the asymmetry too much, if the way there is longer",
      { roundTripNs: 80n, asymmetryNs: 20n },
      210n,
      80n,
    ],
    ["half the asymmetry too little, if the way back is", { roundTripNs: 80n, asymmetryNs: -20n }, 190n, 80n],
    [
      "half the delay too much, if all of it is the way there",
      { roundTripNs: 80n, asymmetryNs: 80n },
      240n,
      80n,
    ],
    ["half a nanosecond less, if the delay is odd", { roundTripNs: 81n }, 199n, 81n],
  ])("is %s", (_, options, offsetNs, delayNs) => {
    expect(at(1_000n, options).measure(showing(800n))).toEqual({ offsetNs, delayNs });
  });

  it("leaves out what a reference drifts during the exchange", () => {
    const reference = at(1_000_000_000n, { frequencyPpb: 500_000_000, roundTripNs: 200n });
    expect(reference.measure(showing(0n))).toEqual({ offsetNs: 1_500_000_000n, delayNs: 200n });
  });

  it.each<[string, number[], bigint, bigint]>([
    ["nothing queued", [0, 0, 0, 0], 200n, 80n],
    ["most queued on the way there", [0xffff_ffff, 0xffff_ffff, 0, 0], 250n, 180n],
    ["most queued on the way back", [0, 0, 0xffff_ffff, 0xffff_ffff], 150n, 180n],
    ["half queued on both", [0x8000_0000, 0, 0x8000_0000, 0], 200n, 180n],
    ["the first draw is the high half", [0x0288_df0c, 0xaf5a_4430, 0, 0], 200n, 81n],
    ["one below that rounds down", [0x0288_df0c, 0x0000_0000, 0, 0], 200n, 80n],
  ])("draws the way there, then the way back: %s", (_, bits, offsetNs, delayNs) => {
    const reference = at(1_000n, { roundTripNs: 80n, jitterNs: 100n, random: draws(...bits) });
    expect(reference.measure(showing(800n))).toEqual({ offsetNs, delayNs });
  });

  it("adds two halves for a triangular spread, the odd nanosecond in the second", () => {
    const random = draws(0xffff_ffff, 0xffff_ffff, 0, 0, 0, 0, 0xffff_ffff, 0xffff_ffff);
    const reference = at(0n, { jitterNs: 101n, distribution: "triangular", random });
    expect(reference.measure(showing(0n))).toEqual({ offsetNs: -1n, delayNs: 101n });
  });

  it("takes no draw when there is no jitter", () => {
    let taken = 0;
    const random = { nextU32: () => ++taken };
    at(0n, { random }).measure(showing(0n));
    expect(taken).toBe(0);
  });

  it("is wrong by no more than half the asymmetry and half the jitter", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.bigInt({ min: 0n, max: 100n * MS }),
        fc.bigInt({ min: -100n, max: 100n }),
        fc.bigInt({ min: 0n, max: 300n * MS }),
        fc.constantFrom("uniform" as const, "triangular" as const),
        (seed, roundTripNs, percent, jitterNs, distribution) => {
          const asymmetryNs = (roundTripNs * percent) / 100n;
          const random = xorshift32(seed);
          const reference = at(10n ** 18n, { roundTripNs, asymmetryNs, jitterNs, distribution, random });
          const { offsetNs, delayNs } = reference.measure(showing(10n ** 18n - 7n));
          const twiceError = 2n * (offsetNs - 7n) - asymmetryNs;
          expect(twiceError >= -jitterNs - 2n && twiceError <= jitterNs + 1n).toBe(true);
          expect(delayNs >= roundTripNs && delayNs <= roundTripNs + 2n * jitterNs).toBe(true);
        },
      ),
    );
  });
});

describe("a caller's mistake", () => {
  it.each<[string, Partial<ReferenceClockOptions>, string]>([
    [
      "an offset beyond 64 bits",
      { offsetNs: 2n ** 63n },
      `offsetNs to be a signed 64-bit bigint, got ${2n ** 63n}`,
    ],
    [
      "a frequency of −1",
      { frequencyPpb: -1_000_000_000 },
      "frequencyPpb to be a whole number in -999999999 … 999999999, got -1000000000",
    ],
    [
      "half a ppb",
      { frequencyPpb: 0.5 },
      "frequencyPpb to be a whole number in -999999999 … 999999999, got 0.5",
    ],
    [
      "an epoch beyond 64 bits",
      { sinceNs: -(2n ** 63n) - 1n },
      `sinceNs to be a signed 64-bit bigint, got ${-(2n ** 63n) - 1n}`,
    ],
    ["a negative round trip", { roundTripNs: -1n }, "roundTripNs from 0 to 2^55 ns, got -1"],
    [
      "a round trip of over a year",
      { roundTripNs: YEAR_NS + 1n },
      `roundTripNs from 0 to 2^55 ns, got ${YEAR_NS + 1n}`,
    ],
    [
      "an asymmetry beyond the round trip",
      { roundTripNs: 5n, asymmetryNs: 6n },
      "asymmetryNs within ±5 ns, got 6",
    ],
    [
      "one beyond it the other way",
      { roundTripNs: 5n, asymmetryNs: -6n },
      "asymmetryNs within ±5 ns, got -6",
    ],
    ["a negative jitter", { jitterNs: -1n }, "jitterNs from 0 to 2^55 ns, got -1"],
    [
      "jitter with nothing to draw from",
      { jitterNs: 1n },
      "a random source for jitterNs above 0, got 1 and none",
    ],
    [
      "a spread it does not know",
      { distribution: "normal" as never },
      "distribution to be one of uniform, triangular, got normal",
    ],
  ])("is refused: %s", (_, options, message) => {
    const make = (): ReferenceClock => new ReferenceClock({ trueNs: () => 0n, ...options });
    expect(make).toThrow(new RangeError(`ReferenceClock: expected ${message}`));
  });

  it.each<[string, unknown]>([
    ["no options", undefined],
    ["no true time", {}],
    ["an offset that is a number", { trueNs: () => 0n, offsetNs: 5 }],
    ["an asymmetry that is a number", { trueNs: () => 0n, asymmetryNs: 0 }],
    ["a jitter that is a number", { trueNs: () => 0n, jitterNs: 0 }],
    ["a random source that is a function", { trueNs: () => 0n, random: () => 1 }],
    ["a random source without nextU32", { trueNs: () => 0n, random: {} }],
  ])("is refused by its type: %s", (_, options) => {
    expect(() => new ReferenceClock(options as never)).toThrow(TypeError);
  });

  it.each([5, 2n ** 63n])("is a time of %s", (time) => {
    const what = `to be a signed 64-bit bigint, got ${time}`;
    const wrong = new ReferenceClock({ trueNs: () => time as never });
    expect(() => wrong.realtimeNs()).toThrow(`ReferenceClock: expected trueNs() ${what}`);
    expect(() => at(0n).measure(showing(time as never))).toThrow(
      `ReferenceClock.measure: expected clock.realtimeNs() ${what}`,
    );
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["what shows no time", {}],
  ])("is to measure %s", (_, clock) => {
    expect(() => at(0n).measure(clock as never)).toThrow(/^ReferenceClock\.measure: expected clock/);
  });

  it.each([-1, 2 ** 32, 0.5])("is a draw of %d", (bits) => {
    const reference = at(0n, { jitterNs: 1n, random: draws(bits) });
    expect(() => reference.measure(showing(0n))).toThrow(
      new RangeError(`RandomSource: expected nextU32() to be an unsigned 32-bit number, got ${bits}`),
    );
  });
});
