import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TimeCounter } from "../index.js";

const MASK_24 = 2n ** 24n - 1n;

describe("TimeCounter", () => {
  it("keeps the fraction of a nanosecond between reads", () => {
    const clock = new TimeCounter({ mask: MASK_24, mult: 3, shift: 2 }, 0n, 100n);
    expect(clock.read(1n)).toBe(100n);
    expect(clock.frac).toBe(3n);
    expect(clock.read(2n)).toBe(101n);
    expect(clock.frac).toBe(2n);
  });

  it("counts across a wrap of the counter", () => {
    const clock = new TimeCounter({ mask: MASK_24, mult: 1, shift: 0 }, MASK_24, 0n);
    expect(clock.read(4n)).toBe(5n);
  });

  it("converts a stamp up to half the mask ahead, and takes one more as old", () => {
    const clock = new TimeCounter({ mask: 255n, mult: 1, shift: 0 }, 0n, 1000n);
    expect(clock.cycToTime(127n)).toBe(1127n);
    expect(clock.cycToTime(128n)).toBe(872n);
    expect(clock.cycToTime(255n)).toBe(999n);
    expect(clock.nsec).toBe(1000n);
  });

  it("subtracts an old stamp with the fraction still unspent", () => {
    const clock = new TimeCounter({ mask: MASK_24, mult: 3, shift: 2 }, 0n, 100n);
    clock.read(1n);
    // One cycle back is 3/4 ns less the 3/4 ns held as fraction: nothing.
    expect(clock.cycToTime(0n)).toBe(100n);
  });

  it("steps by a signed time and wraps mod 2^64", () => {
    const clock = new TimeCounter({ mask: MASK_24, mult: 3, shift: 2 }, 0n, 5n);
    clock.adjtime(-6n);
    expect(clock.nsec).toBe(2n ** 64n - 1n);
    expect(clock.cycleLast).toBe(0n);
  });

  it("loses nothing: many reads give what one exact conversion gives", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 31 }),
        fc.integer({ min: 0, max: 31 }),
        fc.array(fc.integer({ min: 0, max: 2 ** 24 - 1 }), { minLength: 1, maxLength: 50 }),
        (mult, shift, steps) => {
          const clock = new TimeCounter({ mask: MASK_24, mult, shift }, 0n, 0n);
          let total = 0n;
          for (const step of steps) {
            total += BigInt(step);
            clock.read(total & MASK_24);
          }
          expect(clock.nsec).toBe((total * BigInt(mult)) / 2n ** BigInt(shift));
        },
      ),
    );
  });

  it("comes back from its state and goes on the same", () => {
    const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(u64, u64, u64, fc.integer({ min: 0, max: 63 }), (start, first, second, shift) => {
        const clock = new TimeCounter({ mask: 2n ** 64n - 1n, mult: 2 ** 32 - 1, shift }, start, 17n);
        clock.read(first);
        const copy = TimeCounter.fromState(JSON.parse(JSON.stringify(clock.state())));
        expect(copy.state()).toEqual(clock.state());
        expect(copy.read(second)).toBe(clock.read(second));
        expect(copy.frac).toBe(clock.frac);
      }),
    );
  });

  it.each([
    ["mask", { mask: -1n }, 0n, 0n],
    ["mult", { mult: -1 }, 0n, 0n],
    ["shift", { shift: 64 }, 0n, 0n],
    ["cycles", {}, -1n, 0n],
    ["startNs", {}, 0n, -1n],
  ])("refuses a bad %s", (name, wrong, cycles, startNs) => {
    const counter = { mask: 1n, mult: 1, shift: 0, ...wrong };
    expect(() => new TimeCounter(counter, cycles, startNs)).toThrow(`TimeCounter: expected ${name}`);
  });

  it.each(["-1", "8"])("refuses to restore a fraction of %s eighths of a nanosecond", (frac) => {
    const state = new TimeCounter({ mask: 1n, mult: 1, shift: 3 }, 0n, 0n).state();
    expect(() => TimeCounter.fromState({ ...state, frac })).toThrow("TimeCounter.fromState: expected frac");
  });

  it("refuses readings outside 64 bits", () => {
    const clock = new TimeCounter({ mask: 1n, mult: 1, shift: 0 }, 0n, 0n);
    expect(() => clock.read(-1n)).toThrow("TimeCounter.read: expected cycles");
    expect(() => clock.cycToTime(2n ** 64n)).toThrow("TimeCounter.cycToTime: expected stamp");
    expect(() => clock.adjtime(2n ** 63n)).toThrow("TimeCounter.adjtime: expected deltaNs");
  });
});
