import type { HostTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Engine } from "./engine.js";
import { FixedRateClock } from "./fixed-rate-clock.js";

const tsc = (n: bigint): HostTsc => n as HostTsc;
const hertz = fc.bigInt({ min: 1n, max: 10_000_000_000n });
const rate = fc.bigInt({ min: -500_000_000n, max: 500_000_000n });
const cycles = fc.bigInt({ min: 0n, max: 2n ** 60n });

describe("FixedRateClock", () => {
  it.each([
    [2_500_000_000n, 0n, 2_500_000n, 1_000_000n],
    [2_500_000_000n, -50_000n, 2_500_000n, 999_950n],
    [2_500_000_000n, 50_000n, 2_500_000n, 1_000_050n],
    [2_095_078_437n, 0n, 2_095_078_437n, 1_000_000_000n],
    [3_000_000_000n, 0n, 1n, 0n],
    [3_000_000_000n, 0n, 3n, 1n],
  ])("at %d Hz and %d ppb reads %d cycles as %d ns", (hz, ppb, at, ns) => {
    const clock = new FixedRateClock(new Engine(tsc(0n)), hz, ppb, 0n);
    expect(clock.at(tsc(at))).toBe(ns);
  });

  it("reads the floor of the exact product", () => {
    fc.assert(
      fc.property(hertz, rate, cycles, (hz, ppb, h) => {
        const clock = new FixedRateClock(new Engine(tsc(0n)), hz, ppb, 0n);
        const ns = clock.at(tsc(h));
        const exact = h * (1_000_000_000n + ppb);
        expect(ns * hz <= exact && exact < (ns + 1n) * hz).toBe(true);
      }),
    );
  });

  it("finds the first cycle at which it reads an instant", () => {
    fc.assert(
      fc.property(hertz, rate, fc.bigInt({ min: 1n, max: 2n ** 62n }), (hz, ppb, ns) => {
        const clock = new FixedRateClock(new Engine(tsc(0n)), hz, ppb, 0n);
        const due = clock.firstTscAt(ns);
        expect(clock.at(due) >= ns).toBe(true);
        expect(clock.at(tsc(due - 1n)) < ns).toBe(true);
      }),
    );
  });

  it("carries the fraction of a nanosecond over any changes of rate", () => {
    const change = fc.tuple(fc.bigInt({ min: 1n, max: 2n ** 40n }), rate);
    fc.assert(
      fc.property(hertz, rate, fc.array(change, { maxLength: 8 }), (hz, first, changes) => {
        const engine = new Engine(tsc(0n));
        const clock = new FixedRateClock(engine, hz, first, 0n);
        let exact = 0n;
        let ppb = first;
        for (const [span, next] of changes) {
          engine.spend(span);
          exact += span * (1_000_000_000n + ppb);
          expect(clock.monotonicNs()).toBe(exact / hz);
          clock.setRate(next);
          expect(clock.monotonicNs()).toBe(exact / hz);
          ppb = next;
        }
      }),
    );
  });

  it("gives both readings of one sample for the same cycle", () => {
    const engine = new Engine(tsc(7n));
    const clock = new FixedRateClock(engine, 1_000_000_000n, 0n, 40n);
    engine.spend(3n);
    expect(clock.sample()).toEqual({ monotonicNs: 43n, tsc: 10n });
  });

  it.each([
    [0n, 0n, "FixedRateClock: expected a frequency of at least 1 Hz, got 0"],
    [1n, -1_000_000_000n, "FixedRateClock: expected a rate above -1000000000 ppb, got -1000000000"],
  ])("refuses %d Hz at %d ppb", (hz, ppb, message) => {
    expect(() => new FixedRateClock(new Engine(tsc(0n)), hz, ppb, 0n)).toThrow(new RangeError(message));
  });
});
