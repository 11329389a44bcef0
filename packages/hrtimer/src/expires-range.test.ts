import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { setExpiresRange } from "./expires-range.js";

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;
const U64_MAX = 2n ** 64n - 1n;

describe("setExpiresRange", () => {
  it.each([
    [1000n, 0n, 1000n],
    [1000n, 50n, 1050n],
    [MAX, 0n, MAX],
    [MAX - 5n, 10n, MAX],
    [0n, U64_MAX, MAX],
    [1000n, 2n ** 63n, MAX],
    [-1n, 0n, MAX],
    [MIN, 5n, MAX],
  ])("of %d with slack %d expires hard at %d", (time, delta, hard) => {
    expect(setExpiresRange(time, delta)).toEqual({ softExpiresNs: time, expiresNs: hard });
  });

  it("never puts the hard expiry before the soft one", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: MIN, max: MAX }), fc.bigInt({ min: 0n, max: U64_MAX }), (time, delta) => {
        const range = setExpiresRange(time, delta);
        expect(range.expiresNs >= range.softExpiresNs).toBe(true);
      }),
    );
  });

  it.each([
    [MAX + 1n, 0n, RangeError],
    [0n, -1n, RangeError],
    [0n, U64_MAX + 1n, RangeError],
    [0 as unknown as bigint, 0n, TypeError],
    [0n, "1" as unknown as bigint, TypeError],
  ])("refuses %s with slack %s", (time, delta, error) => {
    expect(() => setExpiresRange(time, delta)).toThrow(error);
  });
});
