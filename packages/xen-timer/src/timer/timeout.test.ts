import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hostExpiry, planTimeout, rateLateness, samplingLateness } from "../index.js";

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const s64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

/** Signed 64-bit by halves: what two's complement means, not how it is taken. */
const signed = (value: bigint): bigint => {
  const wrapped = ((value % 2n ** 64n) + 2n ** 64n) % 2n ** 64n;
  return wrapped < 2n ** 63n ? wrapped : wrapped - 2n ** 64n;
};

describe("planTimeout", () => {
  it.each([
    ["one below 2^50 ns ahead", 2n ** 50n + 4n, 5n, "linux", 2n ** 50n - 1n],
    ["2^50 ns ahead", 2n ** 50n + 5n, 5n, "linux", 100_000_000n],
    ["2^50 ns ahead, not from set_timer_op", 2n ** 50n + 5n, 5n, "none", 2n ** 50n],
    ["one below 2^63, far ahead", 2n ** 63n - 1n, 5n, "linux", 100_000_000n],
    ["2^63 as such", 2n ** 63n, 2n ** 63n - 1n, "linux", 100_000_000n],
    ["2^63 as such, not from set_timer_op", 2n ** 63n, 2n ** 63n - 1n, "none", 1n],
    ["far in the past", 1n, 2n ** 52n, "linux", 1n - 2n ** 52n],
    ["a clock about to wrap", 3n, 2n ** 64n - 1n, "none", 4n],
  ] as const)("%s", (_title, guestAbsNs, guestNowNs, workaround, deltaNs) => {
    const plan = planTimeout({ guestAbsNs, guestNowNs, workaround });
    expect(plan.deltaNs).toBe(deltaNs);
    expect(plan.action).toBe(deltaNs > 0n ? "hrtimer" : "immediate");
  });

  it("agrees with its definition everywhere", () => {
    fc.assert(
      fc.property(u64, u64, fc.constantFrom("linux", "none"), (guestAbsNs, guestNowNs, workaround) => {
        const plan = planTimeout({ guestAbsNs, guestNowNs, workaround });
        const distance = signed(guestAbsNs - guestNowNs);
        const absurd = workaround === "linux" && (guestAbsNs >= 2n ** 63n || distance >= 2n ** 50n);
        expect(plan.deltaNs).toBe(absurd ? 100_000_000n : distance);
        expect(signed(plan.guestAbsNs - guestNowNs)).toBe(plan.deltaNs);
        expect(plan.action === "immediate").toBe(plan.deltaNs <= 0n);
      }),
    );
  });

  it.each([
    [{ guestAbsNs: -1n, guestNowNs: 0n, workaround: "none" }, RangeError],
    [{ guestAbsNs: 0n, guestNowNs: 2n ** 64n, workaround: "none" }, RangeError],
    [{ guestAbsNs: 0n, guestNowNs: 0, workaround: "none" }, TypeError],
    [{ guestAbsNs: 0n, guestNowNs: 0n, workaround: "some" }, RangeError],
  ])("refuses %o", (request, error) => {
    expect(() => planTimeout(request as Parameters<typeof planTimeout>[0])).toThrow(error);
  });
});

describe("hostExpiry", () => {
  it("wraps as signed 64 bits do", () => {
    fc.assert(fc.property(s64, s64, (now, delta) => hostExpiry(now, delta) === signed(now + delta)));
  });

  it.each([
    [2n ** 63n, 0n, RangeError],
    [0n, -(2n ** 63n) - 1n, RangeError],
    [0 as unknown as bigint, 0n, TypeError],
  ])("refuses %s, %s", (now, delta, error) => {
    expect(() => hostExpiry(now, delta)).toThrow(error);
  });
});

describe("the lateness of a timer", () => {
  it.each([
    ["one-read", 0n],
    ["monotonic-then-tsc", -7n],
    ["kvmclock-then-monotonic", -993n],
  ] as const)("by its samples: %s", (path, late) => {
    expect(samplingLateness(path, { conversionNs: -1_000n, gapNs: 7n })).toBe(late);
  });

  // docs/model/xen-timer §7: +-500 ppm over 100 us is +-50 ns.
  it.each([
    [1_000_500n, 1_000_000n, 50n],
    [999_500n, 1_000_000n, -50n],
    [1n, 1n, 0n],
    [1n, 3n, -66_667n],
    [0n, 1n, -100_000n],
  ])("by rates of %i to %i", (guestNs, hostNs, late) => {
    expect(rateLateness(100_000n, { guestNs, hostNs })).toBe(late);
  });

  it.each([
    ["an unknown path", () => samplingLateness("guess" as "one-read", { conversionNs: 0n, gapNs: 0n })],
    ["a gap below 0", () => samplingLateness("one-read", { conversionNs: 0n, gapNs: -1n })],
    [
      "a conversion error of 2^63",
      () => samplingLateness("one-read", { conversionNs: 2n ** 63n, gapNs: 0n }),
    ],
    ["a distance below 0", () => rateLateness(-1n, { guestNs: 1n, hostNs: 1n })],
    ["a guest rate below 0", () => rateLateness(1n, { guestNs: -1n, hostNs: 1n })],
    ["a host that stands still", () => rateLateness(1n, { guestNs: 1n, hostNs: 0n })],
  ])("refuses %s", (_title, act) => {
    expect(act).toThrow(RangeError);
  });
});
