import { describe, expect, it } from "vitest";
import { setupInternals } from "../index.js";

const WIDE = {
  mask: 2n ** 64n - 1n,
  maxadj: 700_000,
  maxCycles: 2_000_000_000_000n,
  maxRawDelta: 16140901064495857661n,
};

describe("setupInternals", () => {
  it.each([
    ["2.5 GHz at 250 Hz", 6710886, 24, 250, 10000001n, 67108866710886n, -2710886n, 17179869184000000n, 8],
    ["2.5 GHz at 1000 Hz", 6710886, 24, 1000, 2500000n, 16777215000000n, 1000000n, 4294967296000000n, 8],
    ["3.0 GHz at 250 Hz", 5592405, 24, 250, 12000001n, 67108865592405n, -1592405n, 17179869184000000n, 8],
    ["2.4 GHz at 250 Hz", 6990507, 24, 250, 9600000n, 67108867200000n, -3200000n, 17179869184000000n, 8],
    [
      "1 GHz at 300 Hz, a tick of 3333333 ns",
      8388608,
      23,
      300,
      3333333n,
      3333333n * 8388608n,
      0n,
      14316556221677568n,
      9,
    ],
  ])("of %s", (_, mult, shift, hz, cycleInterval, xtimeInterval, xtimeRemainder, ntpTick, ntpErrorShift) => {
    expect(setupInternals({ ...WIDE, mult, shift }, hz)).toEqual({
      cycleInterval,
      xtimeInterval,
      xtimeRemainder,
      rawInterval: xtimeInterval,
      ntpErrorShift,
      ntpTick,
    });
  });

  it("makes a tick at least one cycle of a counter slower than the ticks", () => {
    const slow = setupInternals({ ...WIDE, mult: 2_000_000_000, shift: 0 }, 1000);
    expect(slow).toMatchObject({
      cycleInterval: 1n,
      xtimeInterval: 2_000_000_000n,
      xtimeRemainder: -1_999_000_000n,
    });
  });

  it("rounds the cycles of a tick to nearest", () => {
    // A tick of 4 000 000 units: 4 cycles of 888 889 or 5 of 888 888 are nearest, either side of 4.5.
    expect(setupInternals({ ...WIDE, mult: 888_889, shift: 0 }, 250).cycleInterval).toBe(4n);
    expect(setupInternals({ ...WIDE, mult: 888_888, shift: 0 }, 250).cycleInterval).toBe(5n);
  });

  const GOOD = { ...WIDE, mult: 6710886, shift: 24 };
  it.each([
    ["a mask of no counter", { ...GOOD, mask: 0b101n }, "mask"],
    ["no counter at all", { ...GOOD, mask: 0n }, "mask"],
    ["a mask of 65 bits", { ...GOOD, mask: 2n ** 65n - 1n }, "mask"],
    ["a multiplier of 0", { ...GOOD, mult: 0 }, "mult"],
    ["a multiplier of 33 bits", { ...GOOD, mult: 2 ** 32 }, "mult"],
    ["a shift that leaves ntp_error no fraction", { ...GOOD, shift: 33 }, "shift"],
    ["a negative shift", { ...GOOD, shift: -1 }, "shift"],
    ["a maxadj of 33 bits", { ...GOOD, maxadj: 2 ** 32 }, "maxadj"],
    ["no cycles to convert", { ...GOOD, maxCycles: 0n }, "maxCycles"],
    ["a negative difference", { ...GOOD, maxRawDelta: -1n }, "maxRawDelta"],
  ])("refuses %s", (_, clocksource, member) => {
    expect(() => setupInternals(clocksource, 250)).toThrow(RangeError);
    expect(() => setupInternals(clocksource, 250)).toThrow(`setupInternals: expected ${member} `);
  });

  it.each([0, 11, 3001, 250.5, Number.NaN])("refuses %s ticks a second", (hz) => {
    expect(() => setupInternals(GOOD, hz)).toThrow(
      "setupInternals: expected hz to be a whole number in 12 … 3000",
    );
  });

  it("refuses values of another type", () => {
    expect(() => setupInternals(undefined as never, 250)).toThrow(TypeError);
    expect(() => setupInternals({ ...GOOD, mask: 255 as never }, 250)).toThrow(TypeError);
    expect(() => setupInternals({ ...GOOD, mult: 1n as never }, 250)).toThrow(TypeError);
    expect(() => setupInternals({ ...GOOD, vclockMode: "hpet" as never }, 250)).toThrow(RangeError);
    expect(() => setupInternals(GOOD, "250" as never)).toThrow(TypeError);
  });
});
