import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { calcMultShift, hz2mult, khz2mult } from "../index.js";

const NSEC_PER_SEC = 1_000_000_000;
const U32_MAX = 2 ** 32 - 1;

describe("calcMultShift", () => {
  it.each([
    ["a 1 kHz counter: the multiplier fills 32 bits", 1000, NSEC_PER_SEC, 600, 4096000000, 12],
    ["a counter of the target's own frequency", NSEC_PER_SEC, NSEC_PER_SEC, 600, 2 ** 23, 23],
    ["no time to cover: all 32 bits are the multiplier's", 2 ** 31, 2 ** 31, 0, 2 ** 31, 31],
    ["a pair no shift fits: shift 0 with the multiplier of shift 1", 1, U32_MAX, U32_MAX, 2 ** 32 - 2, 0],
    ["a target of 0", 1000, 0, 1, 0, 32],
  ])("%s", (_title, from, to, maxsec, mult, shift) => {
    expect(calcMultShift(from, to, maxsec)).toEqual({ mult, shift });
  });

  it("covers maxsec seconds without leaving 64 bits, and is the nearest multiplier at its shift", () => {
    const frequency = fc.integer({ min: 1, max: U32_MAX });
    fc.assert(
      fc.property(frequency, frequency, fc.integer({ min: 0, max: 3600 }), (from, to, maxsec) => {
        const { mult, shift } = calcMultShift(from, to, maxsec);
        fc.pre(shift > 0);
        // |mult·from − to·2^shift| ≤ from/2
        const error = BigInt(mult) * BigInt(from) - (BigInt(to) << BigInt(shift));
        expect(2n * (error < 0n ? -error : error) <= BigInt(from)).toBe(true);
        // The kernel counts the bits of seconds·from above 32, so a product may use 64 bits, not more.
        expect(BigInt(mult) * BigInt(maxsec) * BigInt(from) < 2n ** 64n).toBe(true);
      }),
    );
  });
});

describe("hz2mult and khz2mult", () => {
  it.each([
    [1, 0, 1_000_000_000, 1_000_000],
    [1, 8, 2596929536, 256_000_000],
    [1_000_000, 22, 4194304000, 4194304],
    [3, 0, 333333333, 333333],
    [2, 0, 500_000_000, 500_000],
    [U32_MAX, 0, 0, 0],
  ])("read %i as Hz and as kHz at shift %i", (frequency, shift, hz, khz) => {
    expect(hz2mult(frequency, shift)).toBe(hz);
    expect(khz2mult(frequency, shift)).toBe(khz);
  });

  it("round half up", () => {
    // 10^9·2^1 / 3·10^9 is not reachable; 10^6 / 2^32 rounds down, 10^6·2^12 / (2^13·10^6) = 1/2 rounds up.
    expect(khz2mult(2_000_000, 0)).toBe(1);
    expect(khz2mult(2_000_001, 0)).toBe(0);
  });
});
