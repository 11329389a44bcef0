import { describe, expect, it } from "vitest";
import { chooseKvmclock, GuestPvclock, kvmclockRating } from "../index.js";

const CLOCKSOURCE = 1 << 0;
const CLOCKSOURCE2 = 1 << 3;
const STABLE = 1 << 24;

describe("a guest that sets up kvm-clock", () => {
  it.each([
    ["uses the new MSRs", CLOCKSOURCE2, [0x4b564d00, 0x4b564d01, 0]],
    ["prefers the new MSRs", CLOCKSOURCE | CLOCKSOURCE2, [0x4b564d00, 0x4b564d01, 0]],
    ["takes the old ones where there are no others", CLOCKSOURCE, [0x11, 0x12, 0]],
    ["trusts bit 0 where CPUID says so", CLOCKSOURCE | STABLE, [0x11, 0x12, 1]],
  ])("%s", (_title, features, expected) => {
    const setup = chooseKvmclock(features);
    expect([setup?.wallClockMsr, setup?.systemTimeMsr, setup?.trustedFlags]).toEqual(expected);
    expect(new GuestPvclock({ trustedFlags: setup?.trustedFlags ?? 0 }).state().trustedFlags).toBe(
      expected[2],
    );
  });

  it("has no kvm-clock without either pair, trusted bit or not", () => {
    expect(chooseKvmclock(STABLE)).toBeUndefined();
  });

  it("rates it below the TSC only when nothing is wrong with the TSC", () => {
    const ratings = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) =>
      kvmclockRating({ constant: (bits & 1) !== 0, nonstop: (bits & 2) !== 0, unstable: (bits & 4) !== 0 }),
    );
    expect(ratings).toEqual([400, 400, 400, 299, 400, 400, 400, 400]);
  });
});
