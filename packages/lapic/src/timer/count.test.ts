import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { divideCount, limitPeriodicTimerPeriod, periodFromCount, tmcct, tmictToNs } from "../index.js";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const divisor = fc.constantFrom(1, 2, 4, 8, 16, 32, 64, 128);

describe("divideCount", () => {
  it.each([
    [0x0, 2],
    [0x1, 4],
    [0x2, 8],
    [0x3, 16],
    [0x8, 32],
    [0x9, 64],
    [0xa, 128],
    [0xb, 1],
    [0x4, 2],
    [0xf, 1],
    [0xffff_fff0, 2],
  ])("TDCR %i selects %i", (tdcr, divide) => {
    expect(divideCount(tdcr)).toBe(divide);
  });

  it("looks at bits 3, 1 and 0 alone", () => {
    fc.assert(fc.property(u32, (tdcr) => divideCount(tdcr) === divideCount(tdcr & 0xb)));
  });
});

describe("tmictToNs", () => {
  it.each([
    ["the longest count at the defaults", 0xffff_ffff, 1n, 128, 549_755_813_760n],
    ["a count of 0", 0, 1n, 128, 0n],
    ["25 MHz", 1, 40n, 2, 80n],
    ["a product beyond 64 bits wraps", 3, 2n ** 63n, 1, 2n ** 63n],
  ])("%s", (_title, ticks, bus, divide, ns) => {
    expect(tmictToNs(ticks, bus, divide)).toBe(ns);
  });

  it("agrees with the period up to the sign bit, and is negative beyond (E21)", () => {
    expect(periodFromCount(0xffff_ffff, 33_554_432n, 128)).toBe(-4_294_967_296n);
    fc.assert(
      fc.property(u32, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), divisor, (ticks, bus, divide) => {
        const product = (BigInt(ticks) * bus * BigInt(divide)) % 2n ** 64n;
        expect(tmictToNs(ticks, bus, divide)).toBe(product);
        expect(periodFromCount(ticks, bus, divide)).toBe(
          product >= 2n ** 63n ? product - 2n ** 64n : product,
        );
      }),
    );
  });
});

describe("limitPeriodicTimerPeriod", () => {
  it.each([
    ["raises a short period of a periodic timer", 1, 199_999n, 200, 200_000n],
    ["keeps the limit itself", 1, 200_000n, 200, 200_000n],
    ["leaves a one-shot alone", 0, 1n, 200, 1n],
    ["leaves a TSC deadline alone", 2, 1n, 200, 1n],
    ["leaves the reserved mode alone", 3, 1n, 200, 1n],
    ["leaves a stopped timer stopped", 1, 0n, 200, 0n],
    ["raises a negative period too", 1, -4_294_967_296n, 200, 200_000n],
    ["does nothing at a limit of 0", 1, 1n, 0, 1n],
    ["multiplies the limit beyond 32 bits", 1, 1n, 0xffff_ffff, 4_294_967_295_000n],
  ] as const)("%s", (_title, mode, period, us, limited) => {
    expect(limitPeriodicTimerPeriod(mode, period, us)).toBe(limited);
  });
});

describe("tmcct", () => {
  const running = { tmict: 1_000_000, divide: 2, busCycleNs: 1n, period: 2_000_000n, target: 10_000_000n };

  it.each([
    ["exactly at the start: the remainder is a whole period", 8_000_000n, 0],
    ["a nanosecond after the start: the last begun cycle is not counted", 8_000_001n, 999_999],
    ["half-way", 9_000_000n, 500_000],
    ["a nanosecond before the end", 9_999_999n, 0],
    ["two nanoseconds before the end", 9_999_998n, 1],
    ["at the end", 10_000_000n, 0],
    ["after the end, before the handler has run", 10_000_500n, 0],
    ["before the start: the remainder modulo the period", 7_000_000n, 500_000],
  ])("%s", (_title, now, count) => {
    expect(tmcct({ ...running, now })).toBe(count);
  });

  it.each([
    ["a stopped count", { tmict: 0 }],
    ["a period of 0", { period: 0n }],
  ])("reads 0 for %s", (_title, change) => {
    expect(tmcct({ ...running, now: 9_000_000n, ...change })).toBe(0);
  });

  it("takes a negative period by its magnitude", () => {
    expect(tmcct({ ...running, period: -2_000_000n, now: 9_000_000n })).toBe(500_000);
  });

  it("never counts above the period in ticks, and falls by one per divided bus cycle", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 0xffff_ffff }),
        divisor,
        fc.bigInt({ min: 1n, max: 1000n }),
        fc.bigInt({ min: 0n, max: 2n ** 50n }),
        (tmict, divide, busCycleNs, late) => {
          const cycle = busCycleNs * BigInt(divide);
          const period = BigInt(tmict) * cycle;
          // Exactly a period left reads 0, so nothing lies between in a period of 1 ns.
          fc.pre(period > 1n);
          const target = 2n ** 60n;
          const left = (late % (period - 1n)) + 1n;
          const count = tmcct({ tmict, divide, busCycleNs, period, target, now: target - left });
          expect(BigInt(count) * cycle <= left).toBe(true);
          expect((BigInt(count) + 1n) * cycle > left).toBe(true);
        },
      ),
    );
  });
});

describe("arguments", () => {
  const count = { tmict: 1, divide: 1, busCycleNs: 1n, period: 1n, target: 1n, now: 0n };
  it.each<[string, () => unknown, string]>([
    ["divideCount tdcr", () => divideCount(-1), "divideCount: expected tdcr in 0 … 4294967295, got -1"],
    ["tmictToNs ticks", () => tmictToNs(2 ** 32, 1n, 1), "tmictToNs: expected ticks in 0 … 4294967295"],
    ["tmictToNs busCycleNs", () => tmictToNs(1, -1n, 1), "tmictToNs: expected busCycleNs to be an unsigned"],
    ["tmictToNs divide", () => tmictToNs(1, 1n, 129), "tmictToNs: expected divide in 1 … 128, got 129"],
    ["periodFromCount ticks", () => periodFromCount(1.5, 1n, 1), "periodFromCount: expected ticks"],
    [
      "periodFromCount busCycleNs",
      () => periodFromCount(1, 2n ** 64n, 1),
      "periodFromCount: expected busCycleNs",
    ],
    ["periodFromCount divide", () => periodFromCount(1, 1n, 0), "periodFromCount: expected divide"],
    ["limit mode", () => limitPeriodicTimerPeriod(4 as 3, 1n, 1), "limitPeriodicTimerPeriod: expected mode"],
    [
      "limit period",
      () => limitPeriodicTimerPeriod(1, 2n ** 63n, 1),
      "limitPeriodicTimerPeriod: expected period",
    ],
    [
      "limit us",
      () => limitPeriodicTimerPeriod(1, 1n, -1),
      "limitPeriodicTimerPeriod: expected minTimerPeriodUs",
    ],
    ["tmcct tmict", () => tmcct({ ...count, tmict: -1 }), "tmcct: expected tmict"],
    ["tmcct divide", () => tmcct({ ...count, divide: 0 }), "tmcct: expected divide"],
    ["tmcct busCycleNs", () => tmcct({ ...count, busCycleNs: 0n }), "tmcct: expected busCycleNs · divide"],
    [
      "tmcct busCycleNs that wraps to 0",
      () => tmcct({ ...count, busCycleNs: 2n ** 57n, divide: 128 }),
      "tmcct: expected busCycleNs · divide",
    ],
    ["tmcct period", () => tmcct({ ...count, period: -(2n ** 63n) - 1n }), "tmcct: expected period"],
    ["tmcct target", () => tmcct({ ...count, target: 2n ** 63n }), "tmcct: expected target"],
    ["tmcct now", () => tmcct({ ...count, now: 2n ** 63n }), "tmcct: expected now"],
  ])("%s is checked", (_title, call, message) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });

  it("a value of another type is a TypeError", () => {
    expect(() => divideCount("2" as unknown as number)).toThrow(TypeError);
    expect(() => divideCount(2n as unknown as number)).toThrow("divideCount: expected tdcr to be a number");
    expect(() => tmictToNs(1, 1 as unknown as bigint, 1)).toThrow(TypeError);
    expect(() => limitPeriodicTimerPeriod(1, 1 as unknown as bigint, 1)).toThrow(TypeError);
  });
});
