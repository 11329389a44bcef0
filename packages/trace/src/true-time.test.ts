import { hostTsc } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import { TrueTime } from "./true-time.js";

describe("TrueTime", () => {
  it.each([
    [1_000_000_000n, 0n, 0n],
    [2_500_000_000n, 2_500_000_000n, 1_000_000_000n],
    [3_000_000_000n, 1n, 0n],
    [3_000_000_000n, 2n, 0n],
    [3_000_000_000n, 3n, 1n],
    [1n, 1n, 1_000_000_000n],
  ])("is rounded down: at %s Hz, %s cycles are %s ns", (hz, cycles, ns) => {
    expect(new TrueTime(hz).at(hostTsc(cycles))).toBe(ns);
  });

  it("goes on from an epoch, whatever the counter was before", () => {
    const time = new TrueTime(2_000_000_000n);
    time.note({ kind: "epoch", at: hostTsc(5_000n), ns: 7_000n });
    time.note({ kind: "note", at: hostTsc(9_000n), vcpu: 0, text: "no epoch" });
    expect(time.at(hostTsc(5_002n))).toBe(7_001n);
  });

  it.each([
    [2_500_000_000n, 3n, 1_200n],
    [3_000_000_000n, 1n, 333n],
    [3_000_000_000n, 3n, 1_000n],
  ])("is told in picoseconds: at %s Hz, %s cycles are %s ps", (hz, cycles, ps) => {
    const time = new TrueTime(hz);
    expect(time.psAt(hostTsc(cycles))).toBe(ps);
    time.note({ kind: "epoch", at: hostTsc(9n), ns: 7n });
    expect(time.psAt(hostTsc(9n + cycles))).toBe(7_000n + ps);
  });

  it("refuses a counter that stands still", () => {
    expect(() => new TrueTime(0n)).toThrow(
      new RangeError("TrueTime: expected a frequency of at least 1 Hz, got 0"),
    );
  });
});
