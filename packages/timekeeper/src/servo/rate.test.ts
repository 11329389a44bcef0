import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clampRate, joinRate, rateOfPpb, splitRate } from "./rate.js";

const PPM = 65_536n;
const MAX_RATE = 100_500n * PPM;

describe("splitRate", () => {
  it.each([
    ["no change", 0n, 10_000n, 0n],
    ["50 ppm stays in the frequency", 50n * PPM, 10_000n, 50n * PPM],
    ["a unit more is the next tick", 50n * PPM + 1n, 10_001n, -50n * PPM + 1n],
    ["−50 ppm stays in the frequency", -50n * PPM, 10_000n, -50n * PPM],
    ["a unit less is the tick before", -50n * PPM - 1n, 9_999n, 50n * PPM - 1n],
    ["chrony's +83 300 ppm", 83_300n * PPM, 10_833n, 0n],
    ["chrony's −83 300 ppm", -83_300n * PPM, 9_167n, 0n],
    ["the last tick", 100_000n * PPM, 11_000n, 0n],
    ["beyond the last tick", 100_060n * PPM, 11_000n, 60n * PPM],
    ["all that adjtimex reaches", MAX_RATE, 11_000n, 500n * PPM],
    ["all that it reaches downwards", -MAX_RATE, 9_000n, -500n * PPM],
  ])("%s", (_, rate, tick, freq) => {
    expect(splitRate(rate)).toEqual({ tick, freq });
  });

  it("loses nothing and stays within what the kernel takes", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -MAX_RATE, max: MAX_RATE }), (rate) => {
        const { tick, freq } = splitRate(rate);
        expect(joinRate({ tick, freq })).toBe(rate);
        const most = tick === 9_000n || tick === 11_000n ? 500n : 50n;
        expect(tick >= 9_000n && tick <= 11_000n && freq >= -most * PPM && freq <= most * PPM).toBe(true);
      }),
    );
  });
});

describe("rateOfPpb", () => {
  it.each([
    [1_000, PPM],
    [1, 65n],
    [-1, -65n],
    [83_333_333, 5_461_333_311n],
    [100_500_000, MAX_RATE],
  ])("%d ppb", (ppb, rate) => {
    expect(rateOfPpb(ppb)).toBe(rate);
  });
});

describe("clampRate", () => {
  it.each([
    [9n, 10n, 9n],
    [11n, 10n, 10n],
    [-11n, 10n, -10n],
  ])("%d within ±%d is %d", (rate, limit, clamped) => {
    expect(clampRate(rate, limit)).toBe(clamped);
  });
});
