import { describe, expect, it } from "vitest";
import { GuestLog } from "./guest-log.js";

describe("GuestLog", () => {
  it("counts readings that are less than one made before, on any vCPU", () => {
    const readings = { latestNs: 0n };
    const [first, second] = [new GuestLog(readings), new GuestLog(readings)];
    first.read(100n);
    second.read(100n);
    second.read(90n);
    second.read(40n);
    first.read(99n);
    first.read(101n);
    expect([first.backwardSteps, first.furthestBack]).toEqual([1n, 1n]);
    expect([second.backwardSteps, second.furthestBack]).toEqual([2n, 60n]);
  });

  it("keeps the expiry that was furthest from its deadline, early or late", () => {
    const log = new GuestLog({ latestNs: 0n });
    for (const cycles of [3n, -7n, 5n]) log.expired(cycles);
    expect(log.deadlineError).toBe(-7n);
  });
});
