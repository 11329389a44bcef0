import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Countdown,
  endsWithin,
  explainCount,
  type Interval,
  instantsReading,
  intersect,
  lateBy,
} from "./live-count.js";

/** docs/model/lapic §7.4 at one instant; a reload has happened by then. */
function countAt({ target, period, unit, atTarget }: Countdown, now: bigint): bigint {
  let end = target;
  while (atTarget === "reload" && end < now) end += period;
  const left = end > now ? end - now : 0n;
  return (left % period) / unit;
}

const ns = (max: bigint) => fc.bigInt({ min: 0n, max });
const countdowns = fc
  .record({
    target: ns(400n),
    period: fc.bigInt({ min: 1n, max: 90n }),
    unit: fc.constantFrom(1n, 2n, 3n, 16n, 128n),
    atTarget: fc.constantFrom("reload" as const, "stop" as const),
  })
  .map((count): Countdown => ({ ...count, reloadedAt: undefined }));
const windows = fc.tuple(ns(500n), ns(120n)).map(([min, width]): Interval => ({ min, max: min + width }));

const instantsOf = ({ min, max }: Interval): bigint[] =>
  Array.from({ length: Number(max - min) + 1 }, (_, i) => min + BigInt(i));

describe("the instants that read a value", () => {
  it("are the hull of those at which the count is it, tried one by one", () => {
    fc.assert(
      fc.property(countdowns, ns(70n), windows, (count, value, window) => {
        const reads = instantsOf(window).filter((now) => countAt(count, now) === value);
        const [first] = reads;
        const last = reads.at(-1);
        const expected = first === undefined || last === undefined ? undefined : { min: first, max: last };
        expect(instantsReading(count, value, window)).toEqual(expected);
      }),
    );
  });

  // 1 000 000 ns of count at ÷2 end at 5 000 000: count 250 000 stands from 4 499 999 to 4 500 000.
  const oneShot: Countdown = {
    target: 5_000_000n,
    period: 1_000_000n,
    unit: 2n,
    atTarget: "stop",
    reloadedAt: undefined,
  };
  const always: Interval = { min: 4_000_001n, max: 9_000_000n };

  it.each([
    [250_000n, { min: 4_499_999n, max: 4_500_000n }],
    [499_999n, { min: 4_000_001n, max: 4_000_002n }],
    [500_000n, undefined],
    [0n, { min: 4_999_999n, max: 9_000_000n }],
  ])("of a one-shot: %d", (value, expected) => {
    expect(instantsReading(oneShot, value, always)).toEqual(expected);
  });

  it("of a count above its period, which a divide change leaves when the period is limited, are those modulo it", () => {
    const above: Countdown = { ...oneShot, target: 5_000_000n, period: 200_000n, unit: 2n };
    expect(instantsReading(above, 50_000n, { min: 4_700_000n, max: 4_700_000n })).toEqual({
      min: 4_700_000n,
      max: 4_700_000n,
    });
  });
});

describe("a read", () => {
  const periodic: Countdown = {
    target: 1_200_000n,
    period: 200_000n,
    unit: 1n,
    atTarget: "reload",
    reloadedAt: 1_000_000n,
  };
  const unknownStart: Interval = { min: 0n, max: 10_000n };

  it("leaves the offset as wide as the read and a count, whatever the start was", () => {
    const bracket = { min: 1_105_000n, max: 1_105_400n };
    expect(explainCount(periodic, 100_000n, bracket, unknownStart)).toEqual({
      offset: { min: 5_000n, max: 5_400n },
      instants: { min: 1_100_000n, max: 1_100_000n },
    });
  });

  it("of a value outside what the offset allows is explained by nothing", () => {
    const bracket = { min: 1_105_000n, max: 1_105_400n };
    const offset = { min: 5_000n, max: 5_400n };
    expect(explainCount(periodic, 100_400n, bracket, offset)).toBeDefined();
    expect(explainCount(periodic, 100_401n, bracket, offset)).toBeUndefined();
    expect(explainCount(periodic, 99_600n, bracket, offset)).toBeDefined();
    expect(explainCount(periodic, 99_599n, bracket, offset)).toBeUndefined();
  });

  it.each([
    ["just before an end", 1_199_900n, true],
    ["99 µs after a reload", 1_099_000n, true],
    ["101 µs after a reload", 1_101_000n, false],
  ])("of 0 %s: %s", (_title, at, explained) => {
    const bracket = { min: at, max: at + 100n };
    const read = explainCount(periodic, 0n, bracket, { min: 0n, max: 0n });
    expect(read !== undefined).toBe(explained);
    expect(read === undefined || read.offset.max === 0n).toBe(true);
  });

  it("of 0 right after the start is not a late callback's", () => {
    const started = { ...periodic, reloadedAt: undefined };
    const bracket = { min: 1_000_500n, max: 1_001_000n };
    expect(explainCount(started, 0n, bracket, { min: 0n, max: 0n })).toBeUndefined();
  });

  it("that any offset within the bounds explains keeps that offset", () => {
    fc.assert(
      fc.property(countdowns, ns(300n), ns(40n), ns(40n), ns(40n), (count, start, low, high, within) => {
        const offset = { min: -low, max: high };
        const real = within > high ? high : within;
        const bracket = { min: start, max: start + within };
        const value = countAt(count, start + within / 2n - real);
        const explained = explainCount(count, value, bracket, offset);
        expect(explained && intersect(explained.offset, { min: real, max: real })).toBeDefined();
      }),
    );
  });
});

describe("an end of the count", () => {
  const count: Countdown = {
    target: 1_000_000n,
    period: 200_000n,
    unit: 1n,
    atTarget: "reload",
    reloadedAt: undefined,
  };
  it.each([
    ["before the first", { min: 700_000n, max: 999_999n }, false],
    ["at the first", { min: 1_000_000n, max: 1_000_000n }, true],
    ["between two", { min: 1_000_001n, max: 1_199_999n }, false],
    ["at the second", { min: 1_000_001n, max: 1_200_000n }, true],
  ])("%s", (_title, window, expected) => {
    expect(endsWithin(count, window)).toBe(expected);
    expect(endsWithin({ ...count, atTarget: "stop" }, window)).toBe(window.max === 1_000_000n);
  });

  it("counts as near for 100 µs after it", () => {
    expect(endsWithin(count, lateBy({ min: 1_100_000n, max: 1_100_001n }))).toBe(true);
    expect(endsWithin(count, lateBy({ min: 1_100_001n, max: 1_100_002n }))).toBe(false);
  });
});
