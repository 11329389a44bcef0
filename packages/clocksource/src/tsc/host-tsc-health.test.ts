import { describe, expect, it } from "vitest";
import { HostTscHealth } from "../index.js";

describe("HostTscHealth", () => {
  it("is stable until marked, and stays unstable", () => {
    const health = new HostTscHealth("tsc");
    expect(health.stable).toBe(true);
    health.markUnstable();
    health.markUnstable();
    expect(health.stable).toBe(false);
    health.clocksource = "other";
    expect(health.stable).toBe(false);
  });

  it("is relied on from Hyper-V's page although marked", () => {
    const health = new HostTscHealth("hyperv-page");
    health.markUnstable();
    expect(health.stable).toBe(true);
  });

  it.each([
    ["tsc", true],
    ["hyperv-page", true],
    ["other", false],
  ] as const)("knows whether %s can carry a master clock", (clocksource, based) => {
    expect(new HostTscHealth(clocksource).clocksourceIsTscBased).toBe(based);
  });

  it("comes back from its state", () => {
    const health = new HostTscHealth("other");
    health.markUnstable();
    const copy = HostTscHealth.fromState(JSON.parse(JSON.stringify(health.state())));
    expect(copy.state()).toEqual(health.state());
    expect([copy.clocksource, copy.stable]).toEqual(["other", false]);
  });

  it("refuses a clocksource it does not know", () => {
    expect(() => new HostTscHealth("hpet" as never)).toThrow("HostTscHealth: expected clocksource");
    expect(() => Object.assign(new HostTscHealth("tsc"), { clocksource: "hpet" })).toThrow(RangeError);
  });
});
