import { hostTsc } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import { SeriesCollector } from "./trace-series.js";

const at = hostTsc(0n);

describe("SeriesCollector", () => {
  it("tells series apart by what they are of, by unit and by vCPU, and keeps the order in which they first came", () => {
    const collector = new SeriesCollector();
    collector.emit({ kind: "kick", at, vcpu: 0 });
    collector.emit({ kind: "counter", at, name: "lag", unit: "ns", value: 1n, vcpu: 1 });
    collector.emit({
      kind: "clocks",
      at,
      clocks: [
        ["lag", 3n],
        ["CLOCK_TAI", 3n],
      ],
    });
    for (const value of [1n, 2n]) {
      collector.emit({ kind: "counter", at, name: "lag", unit: "ns", value });
      collector.emit({ kind: "counter", at, name: "lag", unit: "count", value, vcpu: 1 });
    }
    expect(collector.series()).toEqual([
      { of: "counter", name: "lag.vcpu1", unit: "ns" },
      { of: "clock", name: "lag", unit: "ns" },
      { of: "clock", name: "CLOCK_TAI", unit: "ns" },
      { of: "counter", name: "lag", unit: "ns" },
      { of: "counter", name: "lag.vcpu1", unit: "count" },
    ]);
  });

  it("has none without an event", () => {
    expect(new SeriesCollector().series()).toEqual([]);
  });
});
