import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runToJson } from "../../scenario/json.js";
import type { RunHooks, RunResult } from "../../scenario/types.js";
import { failures, storyRuns, value } from "../fixtures/story-runs.js";
import { longStop } from "./index.js";

const DEFAULT_STOP = { stop: "60s" };
const BEFORE = "v6.18";
const AFTER = "v6.19";

const { attempt: run } = storyRuns(longStop, DEFAULT_STOP);
const figures = (result: RunResult, ...names: string[]): unknown[] =>
  names.map((name) => value(result, name));

/** docs/model/scenarios-lapic §S004: P, L, then hvExp, cb, passes, busy in ns, lockup, backend of variant b. */
const STOPS: ReadonlyArray<readonly [string, string, bigint, bigint, bigint, bigint, boolean, string]> = [
  ["1ms", "999999ns", 1n, 0n, 0n, 0n, false, "hv"],
  ["1ms", "1ms", 2n, 0n, 0n, 0n, false, "hv"],
  ["1ms", "1.5ms", 1n, 0n, 0n, 0n, false, "sw"],
  ["1ms", "3.01ms", 1n, 2n, 1n, 1_000n, false, "sw"],
  ["1ms", "60s", 1n, 60_029n, 2n, 30_014_500n, false, "sw"],
  ["1ms", "3600s", 1n, 3_601_799n, 2n, 1_800_899_500n, false, "sw"],
  ["1ms", "20000s", 1n, 20_010_004n, 3n, 10_005_002_000n, true, "sw"],
  ["1ms", "10d", 1n, 864_432_215n, 3n, 432_216_107_500n, true, "sw"],
  ["15.625ms", "10d", 1n, 55_297_768n, 2n, 27_648_884_000n, true, "sw"],
  ["200us", "4000s", 1n, 20_050_124n, 3n, 10_025_062_000n, true, "sw"],
];

describe.each(STOPS)(
  "a period of %s found %s late",
  (period, stop, hvExp, cb, passes, busy, lockup, backend) => {
    it("before the clamp costs what the page states", () => {
      const result = run(BEFORE, { period, stop });
      expect(figures(result, "hvExp", "cb", "passes", "busy", "lockup", "backend")).toEqual([
        hvExp,
        cb,
        passes,
        busy,
        lockup,
        backend,
      ]);
      expect(value(result, "swStart")).toBe(backend === "sw" ? 1n : 0n);
      expect(failures(result)).toEqual([]);
    });

    it("after the clamp costs two expirations, or one where no period was missed", () => {
      const result = run(AFTER, { period, stop });
      expect(figures(result, "hvExp", "cb", "swStart", "backend")).toEqual([
        stop === "999999ns" ? 1n : 2n,
        0n,
        0n,
        "hv",
      ]);
      expect(failures(result)).toEqual([]);
    });
  },
);

describe("the storm", () => {
  it("runs 59 999 callbacks with time standing still after a minute's stop", () => {
    expect(value(run(BEFORE), "cbPass1")).toBe(59_999n);
  });

  it.each(["60s", "3600s"])("stepped callback by callback after %s gives the same bytes", (stop) => {
    const json = (hooks: RunHooks): string => JSON.stringify(runToJson(run(BEFORE, { stop }, hooks)));
    expect(json({ stepped: true })).toBe(json({}));
  });

  it("stepped gives the same for any stop, period and cost, on either generation without the clamp", () => {
    fc.assert(
      fc.property(
        fc.record({
          stop: fc.integer({ min: 2_000, max: 300_000_000 }),
          period: fc.integer({ min: 200_000, max: 5_000_000 }),
          callbackCost: fc.integer({ min: 0, max: 150_000 }),
          minDelta: fc.integer({ min: 0, max: 5_000 }),
        }),
        fc.constantFrom(BEFORE, "v6.18 + hvModes=none", "v4.16 + hvModes=none"),
        fc.constantFrom("vcpu", "cpu"),
        (ns, kernel, stopped) => {
          const params = Object.fromEntries(Object.entries(ns).map(([name, n]) => [name, `${n}ns`]));
          const json = (hooks: RunHooks): string =>
            JSON.stringify(runToJson(run(kernel, { ...params, stopped }, hooks)));
          expect(json({ stepped: true })).toBe(json({}));
        },
      ),
      { numRuns: 40 },
    );
  });

  it("leaves the guest on its old grid and on the hrtimer; the clamp moves the grid to the resume", () => {
    const stop = "60000300us";
    // A callback takes 500 ns, and the preemption timer fires up to 62 cycles, 25 ns, early.
    expect(value(run(BEFORE, { stop }), "phase")).toBe(500n);
    expect(value(run(AFTER, { stop }), "phase")).toBe(299_987n);
  });

  it.each(["off", "on"])(
    "with APICv %s is seen as at most two interrupts, and so is the clamp's",
    (apicv) => {
      const ticksAfter = 20n;
      expect((value(run(BEFORE, { apicv }), "seen") as bigint) <= ticksAfter + 2n).toBe(true);
      expect((value(run(AFTER, { apicv }), "seen") as bigint) <= ticksAfter + 2n).toBe(true);
    },
  );
});

describe("a guest frequency just below a power of two GHz (the sum's gap)", () => {
  it("falls back while the guest TSC is below the gap", () => {
    const result = run(BEFORE, { hostKhz: "3999999kHz", stop: "1s", guestUptime: "1154s" });
    expect(figures(result, "hvExp", "cb", "passes", "busy", "backend")).toEqual([
      1n,
      999n,
      1n,
      499_500n,
      "sw",
    ]);
    expect(failures(result)).toEqual([]);
  });

  it("wraps into the past above it: one exit per missed period, 1 002 of them", () => {
    const result = run(BEFORE, { hostKhz: "3999999kHz", stop: "1s", guestUptime: "1200s" });
    expect(figures(result, "hvExp", "cb", "backend")).toEqual([1_002n, 0n, "hv"]);
    expect(failures(result)).toEqual([]);
  });
});

describe("each partial fix fails where the page says", () => {
  const failing = (result: RunResult): string[] =>
    result.expectations.filter(({ held }) => held === false).map(({ text }) => text);

  it("(i) the clamp without the explicit expiration: 60 001 callbacks in the first pass of a late hrtimer", () => {
    const result = run("v6.19 + hvModes=none + hrtimerRearm=add-period", { stopped: "cpu" });
    expect(value(result, "cbPass1")).toBe(60_001n);
    expect((value(result, "busy") as bigint) / 1_000_000n).toBe(30n);
    expect(failing(result)).toEqual([
      "a host CPU that takes no interrupts for the stop runs at most two callbacks after it",
    ]);
    expect(failures(run("v6.19 + hvModes=none", { stopped: "cpu" }))).toEqual([]);
  });

  it("(ii) the explicit expiration without the clamp: the same storm", () => {
    const result = run("v6.19 + periodicAdvance=resync");
    expect(figures(result, "hvExp", "cb", "passes", "busy", "backend")).toEqual([
      1n,
      60_029n,
      2n,
      30_014_500n,
      "sw",
    ]);
  });

  it("(iii) the TSC sum assigned to the target: a target of cycles, and an exit storm without end", () => {
    const result = run("v6.19 + periodicAdvance=resync-clamped-misassigned");
    // 3600 s · 2.5 GHz is the first sum; a nanosecond target would be near 60 s.
    expect((value(result, "target") as bigint) > 9_000_000_000_000n).toBe(true);
    expect((value(result, "hvExp") as bigint) > 900_000n).toBe(true);
  });

  it("(iv) the sign kept without a clamp: no fallback, one exit per missed period", () => {
    const result = run("v6.19 + periodicAdvance=resync-signed");
    expect(figures(result, "hvExp", "cb", "backend")).toEqual([60_061n, 0n, "hv"]);
  });

  it.each([
    ["60s", 1n, 1n, 1n],
    ["2ms", 1n, 1n, 1n],
    ["1.5ms", 1n, 1n, 0n],
  ])("(v) the clamp one period back, %s late: still the fallback", (stop, hvExp, swStart, cb) => {
    const result = run("v6.19 + periodicAdvance=resync-clamped-one-period-back", { stop });
    expect(figures(result, "hvExp", "swStart", "cb", "backend")).toEqual([hvExp, swStart, cb, "sw"]);
  });

  it("(vi) period 0 re-queued: never comes out of the interrupt; with the guard one callback and a warning", () => {
    const fault = { fault: "zero-period" };
    const stuck = run("v6.18 + hvModes=none", fault);
    expect(value(stuck, "livelock")).toBe(true);
    expect(failures(stuck)).toEqual([]);
    const cycling = run("v6.19 + hvModes=none + period0=restart", fault);
    expect((value(cycling, "cb") as bigint) > 10_000n).toBe(true);
    expect(failures(cycling)).toEqual([]);
    const guarded = run("v6.19 + hvModes=none", fault);
    expect(figures(guarded, "cb", "warnings", "backend")).toEqual([1n, 1n, "none"]);
    expect(failures(guarded)).toEqual([]);
  });
});

describe("a stop with the hrtimer in use (SVM, or before v4.10)", () => {
  it("has its callbacks during the stop, one per period, and no storm after it", () => {
    const result = run("v6.18 + hvModes=none", { stop: "1s" });
    expect(figures(result, "hvExp", "cb", "passes")).toEqual([0n, 1_001n, 1n]);
    expect(failures(result)).toEqual([]);
  });
});

describe("a callback as long as its period (E20)", () => {
  const params = { stop: "10ms", period: "200us", callbackCost: "300us", stopped: "cpu" };

  it("hangs the interrupt after three passes, and the clamp bounds what each runs", () => {
    const result = run("v6.19 + hvModes=none", params);
    expect(value(result, "passes")).toBe(3n);
    expect((value(result, "cbPass1") as bigint) <= 2n).toBe(true);
  });

  it("without the clamp runs ever longer passes", () => {
    const clamped = value(run("v6.19 + hvModes=none", params), "busy") as bigint;
    const storm = value(run("v6.18 + hvModes=none", params), "busy") as bigint;
    expect(storm > 10n * clamped).toBe(true);
  });
});

describe("the scenario", () => {
  it("gives the same bytes for the same request", () => {
    expect(JSON.stringify(runToJson(run(BEFORE)))).toBe(JSON.stringify(runToJson(run(BEFORE))));
  });

  it("refuses a stop shorter than the way back to the timer takes", () => {
    expect(() => run(BEFORE, { stop: "1ns", period: "1us", reexit: "1ms" })).toThrow(
      /^stop: expected at least/,
    );
  });

  it("says of v4.9, with its period 0, what v4.9 does", () => {
    const stuck = run("v4.9", { fault: "zero-period" });
    expect(failures(stuck)).toEqual([]);
    const held = stuck.expectations.filter((expectation) => expectation.held === true);
    expect(held.map(({ text }) => text)).toEqual([
      "no injection is invented: attempted ≥ latched ≥ seen",
      "a period of 0 expires again and again, without end",
    ]);
  });

  it("counts one expiration where the preemption timer is due before the stop is over", () => {
    const params = { stop: "0", period: "200us", reexit: "100us" };
    expect(figures(run(BEFORE, params), "hvExp", "expirations")).toEqual([1n, 1n]);
  });

  it.each<[string, string, Record<string, string>]>([
    ["exits longer than a period never catch up", "v6.19", { entryCost: "1ms" }],
    ["nor do they without the clamp", "v4.10", { exitCost: "1ms", stop: "2ms" }],
    ["exits before the storm shift it", "v6.18", { exitCost: "1ms" }],
    ["a rate shift of 1 disables the preemption timer at 2.5 GHz", "v5.3", { preemptionTimerShift: "1" }],
    ["a rate shift of 31 is coarser than the period", "v4.10", { preemptionTimerShift: "31" }],
    [
      "halts bring the preemption timer back before v5.17",
      "v4.17",
      { load: "alternating", period: "15625us" },
    ],
    ["the host TSC is not what the kernel calibrated", "v5.1", { hostHz: "10GHz", stop: "3010us" }],
    ["callbacks longer than a period never catch up", "v6.19", { callbackCost: "2ms", stopped: "cpu" }],
    ["the target of a late start may lie ahead", "v6.3", { minDelta: "1ms", stop: "1500us" }],
    ["the guest's TSC counts 10 ns at a time", "v4.10", { guestKhz: "100MHz", stop: "1s" }],
  ])("states no figure that these parameters break: %s", (_why, kernel, params) => {
    expect(failures(run(kernel, params))).toEqual([]);
  });

  it("works under every load", () => {
    for (const load of ["idle", "alternating", "running"]) {
      expect(failures(run(BEFORE, { load }))).toEqual([]);
      expect(failures(run(AFTER, { load }))).toEqual([]);
    }
  });
});
