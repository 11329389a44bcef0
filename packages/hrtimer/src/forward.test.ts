import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ForwardInput, hrtimerForward } from "./forward.js";

const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);
const fixture: ForwardInput = {
  expiresNs: 1000n,
  softExpiresNs: 1000n,
  nowNs: 1000n,
  intervalNs: 100n,
  resolutionNs: 1n,
};

describe("hrtimerForward", () => {
  // The worked vectors of docs/model/hrtimer §4.
  it.each([
    [1000n, 900n, 100n, 0n, 1000n],
    [1000n, 1000n, 100n, 1n, 1100n],
    [1000n, 1050n, 100n, 1n, 1100n],
    [1000n, 1100n, 100n, 2n, 1200n],
    [1000n, 1250n, 100n, 3n, 1300n],
    [1000n, 1000n, 0n, 1n, 1001n],
    [0n, 864n * 10n ** 12n, 10n ** 6n, 864_000_001n, 864_000_001n * 10n ** 6n],
  ])("from %d at %d by %d counts %d and stops at %d", (expiresNs, nowNs, intervalNs, overruns, expires) => {
    const result = hrtimerForward({ ...fixture, expiresNs, softExpiresNs: expiresNs, nowNs, intervalNs });
    expect(result).toEqual({ overruns, expiresNs: expires, softExpiresNs: expires });
  });

  it("raises the interval to the resolution", () => {
    expect(hrtimerForward({ ...fixture, intervalNs: 100n, resolutionNs: 4_000_000n }).expiresNs).toBe(
      4_001_000n,
    );
  });

  it("treats a negative interval as the resolution", () => {
    expect(hrtimerForward({ ...fixture, intervalNs: -5n })).toMatchObject({ overruns: 1n, expiresNs: 1001n });
  });

  it("saturates a negative soft expiry while the hard one advances", () => {
    const result = hrtimerForward({ ...fixture, softExpiresNs: -500n, nowNs: 1250n });
    expect(result).toEqual({ overruns: 3n, expiresNs: 1300n, softExpiresNs: MAX });
  });

  it("takes a wrapped difference as not expired", () => {
    // now − expires = 2^63, which wraps to −2^63.
    expect(hrtimerForward({ ...fixture, expiresNs: MIN, nowNs: 0n }).overruns).toBe(0n);
  });

  it("counts 2^63 at most", () => {
    const all = { ...fixture, expiresNs: 0n, softExpiresNs: 0n, nowNs: MAX, intervalNs: 1n };
    expect(hrtimerForward(all)).toEqual({ overruns: 2n ** 63n, expiresNs: MAX, softExpiresNs: MAX });
  });

  it("lands on the first point of the grid after now, as stepping one interval at a time does", () => {
    const ns = fc.bigInt({ min: 0n, max: 20_000n });
    fc.assert(
      fc.property(ns, ns, fc.bigInt({ min: 1n, max: 500n }), ns, (expiresNs, nowNs, intervalNs, slack) => {
        let steps = 0n;
        let at = expiresNs;
        while (at <= nowNs) {
          at += intervalNs;
          steps++;
        }
        const softExpiresNs = expiresNs > slack ? expiresNs - slack : 0n;
        expect(hrtimerForward({ expiresNs, softExpiresNs, nowNs, intervalNs, resolutionNs: 1n })).toEqual({
          overruns: steps,
          expiresNs: at,
          softExpiresNs: softExpiresNs + (at - expiresNs),
        });
      }),
    );
  });

  it.each(["expiresNs", "softExpiresNs", "nowNs", "intervalNs", "resolutionNs"] as const)(
    "refuses a %s that is not a ktime",
    (column) => {
      expect(() => hrtimerForward({ ...fixture, [column]: MAX + 1n })).toThrow(
        `hrtimerForward: expected ${column} to be a signed 64-bit count of nanoseconds`,
      );
      expect(() => hrtimerForward({ ...fixture, [column]: 5 as unknown as bigint })).toThrow(TypeError);
    },
  );

  it("refuses a resolution below 1 ns", () => {
    expect(() => hrtimerForward({ ...fixture, resolutionNs: 0n })).toThrow(
      new RangeError("hrtimerForward: expected resolutionNs of at least 1, got 0"),
    );
  });
});
