import type { HostTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NanosecondCounter } from "./nanosecond-counter.js";

const tsc = (n: bigint): HostTsc => n as HostTsc;
const hertz = fc.bigInt({ min: 1n, max: 10_000_000_000n });
const rate = fc.bigInt({ min: -500_000_000n, max: 500_000_000n });
const cycles = fc.bigInt({ min: 0n, max: 2n ** 60n });

describe("NanosecondCounter", () => {
  it.each([
    [2_500_000_000n, 0n, 2_500_000n, 1_000_000n],
    [2_500_000_000n, -50_000n, 2_500_000n, 999_950n],
    [2_500_000_000n, 50_000n, 2_500_000n, 1_000_050n],
    [2_095_078_437n, 0n, 2_095_078_437n, 1_000_000_000n],
    [3_000_000_000n, 0n, 1n, 0n],
    [3_000_000_000n, 0n, 3n, 1n],
  ])("at %d Hz and %d ppb reads %d cycles as %d ns", (hz, ppb, at, ns) => {
    const counter = new NanosecondCounter(tsc(0n), hz, ppb);
    expect(counter.read(tsc(at))).toBe(ns);
  });

  it("reads the floor of the exact product", () => {
    fc.assert(
      fc.property(hertz, rate, cycles, (hz, ppb, h) => {
        const counter = new NanosecondCounter(tsc(0n), hz, ppb);
        const ns = counter.read(tsc(h));
        const exact = h * (1_000_000_000n + ppb);
        expect(ns * hz <= exact && exact < (ns + 1n) * hz).toBe(true);
      }),
    );
  });

  it("finds the first cycle at which it reads an instant", () => {
    fc.assert(
      fc.property(hertz, rate, fc.bigInt({ min: 1n, max: 2n ** 62n }), (hz, ppb, ns) => {
        const counter = new NanosecondCounter(tsc(0n), hz, ppb);
        const due = counter.firstTscAt(ns);
        expect(counter.read(due) >= ns).toBe(true);
        expect(counter.read(tsc(due - 1n)) < ns).toBe(true);
      }),
    );
  });

  it("carries the fraction of a nanosecond over any changes of rate", () => {
    const change = fc.tuple(fc.bigInt({ min: 1n, max: 2n ** 40n }), rate);
    fc.assert(
      fc.property(hertz, rate, fc.array(change, { maxLength: 8 }), (hz, first, changes) => {
        const counter = new NanosecondCounter(tsc(0n), hz, first);
        let exact = 0n;
        let now = 0n;
        let ppb = first;
        for (const [span, next] of changes) {
          now += span;
          exact += span * (1_000_000_000n + ppb);
          expect(counter.read(tsc(now))).toBe(exact / hz);
          counter.setRate(tsc(now), next);
          expect(counter.read(tsc(now))).toBe(exact / hz);
          ppb = next;
        }
      }),
    );
  });

  it("reads the same whatever was asked for before, near or far, ahead or back", () => {
    const near = fc.bigInt({ min: 0n, max: 2n ** 33n });
    const instants = fc.array(fc.tuple(fc.oneof(near, cycles), fc.bigInt({ min: 0n, max: 3n })), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(hertz, rate, cycles, instants, (hz, ppb, start, asked) => {
        const counter = new NanosecondCounter(tsc(start), hz, ppb);
        const perSecond = 1_000_000_000n + ppb;
        let at = 0n;
        for (const [span, more] of asked) {
          // Forward by the span, and sometimes back to where the run began.
          at = more === 0n ? 0n : at + span;
          const ns = (at * perSecond) / hz;
          expect(counter.read(tsc(start + at))).toBe(ns);
          for (const count of [ns, ns + 1n, ns + more]) {
            const first = (count * hz + perSecond - 1n) / perSecond;
            expect(counter.firstTscAt(count)).toBe(start + first);
          }
        }
      }),
    );
  });

  it.each([
    [2_500_000_000n, 0n, { mult: 858_993_459, shift: 31 }],
    [100_000_000n, 0n, { mult: 2_684_354_560, shift: 28 }],
    [2_500_000_000n, 500_000n, { mult: 859_422_955, shift: 31 }],
  ])("at %d Hz and %d ppb multiplies a cycle by its rate", (hz, ppb, multiplier) => {
    expect(new NanosecondCounter(tsc(0n), hz, ppb).multiplier()).toEqual(multiplier);
  });

  it.each([
    [0n, 0n, "NanosecondCounter: expected a frequency of at least 1 Hz, got 0"],
    [1n, -1_000_000_000n, "NanosecondCounter: expected a rate above -1000000000 ppb, got -1000000000"],
  ])("refuses %d Hz at %d ppb", (hz, ppb, message) => {
    expect(() => new NanosecondCounter(tsc(0n), hz, ppb)).toThrow(new RangeError(message));
  });
});
