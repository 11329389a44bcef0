import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ClockEventHardwareLimits, clockEventConfig } from "./clock-event-config.js";

const U64_MAX = 2n ** 64n - 1n;
const lapic = (tscKhz: number): ClockEventHardwareLimits => ({
  freqHz: tscKhz * 125,
  minTicks: 15n,
  maxTicks: U64_MAX,
});

describe("clockEventConfig", () => {
  // docs/model/hrtimer §6.2.
  it.each([
    [2_500_000, 10_485_760, 25, 1_759_218_604_441n],
    [2_100_000, 8_808_038, 25, 2_094_307_957_539n],
    [3_000_000, 12_582_912, 25, 1_466_015_503_701n],
  ])("of a host with a %d kHz TSC-deadline timer", (tscKhz, mult, shift, maxDeltaNs) => {
    expect(clockEventConfig(lapic(tscKhz))).toEqual({ mult, shift, minDeltaNs: 1000n, maxDeltaNs });
  });

  it("of a host with the classic APIC timer: 100 MHz bus, divided by 16, 31 bits", () => {
    const config = clockEventConfig({ freqHz: 6_250_000, minTicks: 15n, maxTicks: 0x7fff_ffffn });
    expect(config).toEqual({ mult: 26_843_546, shift: 32, minDeltaNs: 2400n, maxDeltaNs: 343_597_378_401n });
  });

  it("limits the reach of a device wider than 32 bits to 600 s before choosing the multiplier, others to what they have", () => {
    expect(clockEventConfig({ freqHz: 1_000_000, minTicks: 1n, maxTicks: 2n ** 32n }).shift).toBe(32);
    expect(clockEventConfig({ freqHz: 1_000_000_000, minTicks: 1n, maxTicks: 1n })).toMatchObject({
      shift: 31,
    });
  });

  it("never converts a delta within its limits past 64 bits", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1000, max: 2 ** 32 - 1 }),
        fc.bigInt({ min: 1n, max: U64_MAX }),
        (freqHz, maxTicks) => {
          const config = clockEventConfig({ freqHz, minTicks: 1n, maxTicks });
          expect(config.maxDeltaNs * BigInt(config.mult) <= U64_MAX || config.maxDeltaNs === 1000n).toBe(
            true,
          );
          expect(config.mult).toBeGreaterThan(0);
        },
      ),
    );
  });

  it.each([
    [{ freqHz: 0 }, "freqHz"],
    [{ freqHz: 1.5 }, "freqHz"],
    [{ freqHz: 2 ** 32 }, "freqHz"],
    [{ minTicks: -1n }, "0 <= minTicks"],
    [{ minTicks: 20n, maxTicks: 10n }, "0 <= minTicks"],
    [{ maxTicks: U64_MAX + 1n }, "0 <= minTicks"],
    [{ minTicks: 0n, maxTicks: 0n }, "0 <= minTicks"],
    [{ minTicks: 5 as unknown as bigint }, "to be bigints"],
  ])("refuses %o", (override, message) => {
    expect(() => clockEventConfig({ ...lapic(2_500_000), ...override })).toThrow(message);
  });
});
