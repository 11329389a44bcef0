import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clocksourceDelta, clocksourceMask, maxRawDelta } from "../index.js";

describe("clocksourceMask", () => {
  it.each([
    [1, 1n],
    [8, 255n],
    [32, 0xffffffffn],
    [64, 2n ** 64n - 1n],
  ])("of %i bits is %d", (bits, mask) => {
    expect(clocksourceMask(bits)).toBe(mask);
  });
});

describe("maxRawDelta", () => {
  it.each([
    [255n, 221n],
    [0xffffffffn, 3758096381n],
    [2n ** 64n - 1n, 0xdffffffffffffffdn],
    [1n, 0n],
  ])("of mask %d floors a half, a quarter and an eighth apart: %d", (mask, expected) => {
    expect(maxRawDelta(mask)).toBe(expected);
  });
});

describe("clocksourceDelta", () => {
  it.each([
    ["counts across the wrap of the counter", 3n, 250n, "seven-eighths", 9n],
    ["takes the largest forward difference", 221n, 0n, "seven-eighths", 221n],
    ["takes one more for motion backwards", 222n, 0n, "seven-eighths", 0n],
    ["takes the same for motion backwards from half the width on", 128n, 0n, "msb", 0n],
    ["takes just under half the width", 127n, 0n, "msb", 127n],
    ["gives 0 for a small step back, under either rule", 5n, 7n, "msb", 0n],
    ["gives 0 for a small step back, under either rule", 5n, 7n, "seven-eighths", 0n],
  ] as const)("%s", (_title, now, last, rule, expected) => {
    expect(clocksourceDelta(now, last, 255n, 221n, rule)).toBe(expected);
  });

  it("gives back any difference within its bound, and 0 beyond", () => {
    const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), u64, u64, (bits, last, step) => {
        const mask = clocksourceMask(bits);
        const forward = step % (mask + 1n);
        const now = BigInt.asUintN(64, last + forward);
        const raw = maxRawDelta(mask);
        expect(clocksourceDelta(now, last, mask, raw, "seven-eighths")).toBe(forward > raw ? 0n : forward);
        expect(clocksourceDelta(now, last, mask, raw, "msb")).toBe(forward > mask / 2n ? 0n : forward);
      }),
    );
  });
});
