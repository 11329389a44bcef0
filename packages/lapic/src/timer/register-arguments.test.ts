import { describe, expect, it } from "vitest";
import { type FixtureOptions, fixture } from "../../test/fake-host.js";
import type { LapicTimer } from "../index.js";

describe("arguments", () => {
  it.each<[string, (timer: LapicTimer) => unknown]>([
    ["writeLvtt", (timer) => timer.writeLvtt(-1)],
    ["writeTmict", (timer) => timer.writeTmict(2 ** 32)],
    ["writeTdcr", (timer) => timer.writeTdcr(0.5)],
    ["writeTscDeadline", (timer) => timer.writeTscDeadline(2n ** 64n)],
    ["restoreCount", (timer) => timer.restoreCount(-1)],
    ["waitBeforeEntry", (timer) => timer.waitBeforeEntry("there" as "present")],
    [
      "minTimerPeriodUs",
      (timer) => {
        timer.minTimerPeriodUs = -1;
      },
    ],
    [
      "modeMask",
      (timer) => {
        timer.modeMask = 5;
      },
    ],
    ["skipBacklog", (timer) => timer.skipBacklog(2n ** 63n, 0n)],
    ["skipBacklog", (timer) => timer.skipBacklog(0n, 2n ** 63n)],
  ])("%s refuses what does not fit", (name, call) => {
    expect(() => call(fixture().timer)).toThrow(RangeError);
    expect(() => call(fixture().timer)).toThrow(`LapicTimer.${name}: expected`);
  });

  it.each<[string, FixtureOptions]>([
    ["busCycleNs", { config: { busCycleNs: 0n } }],
    ["busCycleNs", { config: { busCycleNs: 2n ** 57n } }],
    ["minTimerPeriodUs", { config: { minTimerPeriodUs: -1 } }],
    ["advance.kind", { config: { advance: { kind: "on" as "off" } } }],
    ["hvInUseAfterReset", { config: { hvInUseAfterReset: "maybe" as "kept" } }],
    ["behaviours.periodicAdvance", { behaviours: { periodicAdvance: "none" as "resync" } }],
    ["behaviours.tdcr", { behaviours: { tdcr: "never" as "immediate" } }],
  ])("the constructor refuses a wrong %s", (what, options) => {
    expect(() => fixture(options)).toThrow(`LapicTimer: expected ${what}`);
  });
});
