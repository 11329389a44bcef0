import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cyclesToNs, elapsedNs, type ReadBase } from "../index.js";

const MASK_64 = 2n ** 64n - 1n;
const base: ReadBase = {
  cycleLast: 1_000_000n,
  mask: MASK_64,
  mult: 6710886,
  shift: 24,
  xtimeNsec: 5n << 24n,
  maxCycles: 2476377840562n,
};

describe("cyclesToNs", () => {
  it.each([
    ["a reading at the last accumulation is the remainder alone", 0n, 5n, 5n],
    ["a second of cycles", 2_500_000_000n, 999_999_945n, 999_999_945n],
    ["the largest difference the short way takes", 2476377840562n, 990551077188n, 990551077188n],
    ["beyond 2^64/mult the short way wraps, the safe one does not", 2748779233284n, 6n, 1099511627782n],
    ["a counter just behind: the old form adds nothing, the new one stands still", -1n, 5n, 5n],
  ])("%s", (_title, delta, unsigned, safe) => {
    const cycles = BigInt.asUintN(64, base.cycleLast + delta);
    expect(cyclesToNs(base, cycles, "unsigned")).toBe(unsigned);
    expect(cyclesToNs(base, cycles, "safe")).toBe(safe);
  });

  it("is exact under `safe` for every forward difference", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: MASK_64 >> 1n }), (delta) => {
        const exact = (delta * BigInt(base.mult) + base.xtimeNsec) / 2n ** BigInt(base.shift);
        expect(cyclesToNs(base, base.cycleLast + delta, "safe")).toBe(exact);
      }),
    );
  });

  it("agrees between the forms up to maxCycles", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: base.maxCycles }), (delta) => {
        const cycles = base.cycleLast + delta;
        expect(cyclesToNs(base, cycles, "safe")).toBe(cyclesToNs(base, cycles, "unsigned"));
      }),
    );
  });

  it.each(["cycleLast", "mask", "mult", "shift", "xtimeNsec", "maxCycles"] as const)(
    "refuses a bad %s",
    (member) => {
      const wrong = typeof base[member] === "bigint" ? -1n : 2 ** 32;
      expect(() => cyclesToNs({ ...base, [member]: wrong }, 0n, "safe")).toThrow(
        `cyclesToNs: expected ${member}`,
      );
    },
  );
});

describe("elapsedNs", () => {
  const tsc = { mask: MASK_64, mult: 6710886, shift: 24, maxCycles: 100n, maxRawDelta: 0xdffffffffffffffdn };

  it("takes the short way below maxCycles and the wide one from there on, without a seam", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 200n }), (delta) => {
        expect(elapsedNs(tsc, 7n, 7n + delta, "seven-eighths")).toBe((delta * 6710886n) >> 24n);
      }),
    );
  });

  it("stays exact where the short way would wrap", () => {
    const delta = 2n ** 60n;
    expect(elapsedNs(tsc, 0n, delta, "seven-eighths")).toBe((delta * 6710886n) >> 24n);
  });

  it("reads 0 for motion backwards, from half the width on under `msb`", () => {
    expect(elapsedNs(tsc, 10n, 9n, "seven-eighths")).toBe(0n);
    expect(elapsedNs(tsc, 0n, 2n ** 63n, "msb")).toBe(0n);
    expect(elapsedNs(tsc, 0n, 2n ** 63n, "seven-eighths")).toBe((2n ** 63n * 6710886n) >> 24n);
  });
});
