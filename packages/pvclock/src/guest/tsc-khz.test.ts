import { DivideError, getTimeScale } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pvclockTscKhz } from "../index.js";

describe("the frequency a guest derives", () => {
  it.each([
    ["is what was configured when the host's is the same", 3435973836, -1, 2_500_000n],
    ["is 2 kHz low when the host floors the frequency and shifts right", 3435975211, -1, 2_499_998n],
    ["is 2 kHz low at 3 GHz", 2863312485, -1, 2_999_998n],
    ["may be odd without a shift", 2147484721, 0, 1_999_999n],
    ["floors a left pre-shift", 2 ** 31, 1, 1_000_000n],
    ["wraps at 64 bits", 1, -63, 0n],
    ["is 0 when the shift leaves nothing", 2 ** 32 - 1, 63, 0n],
  ])("%s", (_title, mul, shift, khz) => {
    expect(pvclockTscKhz(mul, shift)).toBe(khz);
  });

  it("is even from 2 GHz to 4 GHz, and at most 2 kHz below what the host meant", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2_000_001, max: 4_000_000 }), (khz) => {
        const { mul, shift } = getTimeScale(1_000_000_000n, BigInt(khz) * 1000n);
        expect(shift).toBe(-1);
        const derived = pvclockTscKhz(mul, shift);
        expect(derived % 2n).toBe(0n);
        expect(derived <= BigInt(khz) && derived >= BigInt(khz) - 2n).toBe(true);
      }),
    );
  });

  it("is a divide error at multiplier 0", () => {
    expect(() => pvclockTscKhz(0, 0)).toThrow(DivideError);
  });
});
