import { describe, expect, it } from "vitest";
import { ChronovisorError } from "../../errors.js";
import { parseParams } from "../../params/parse-params.js";
import { runToJson } from "../../scenario/json.js";
import type { RunHooks, RunResult } from "../../scenario/types.js";
import { storyRuns } from "../fixtures/story-runs.js";
import { nonMasterAnchors } from "./index.js";

/** Every run is also held to what is expected of it. */
const { run } = storyRuns(nonMasterAnchors);
const values = (result: RunResult, ...names: string[]): unknown[] =>
  names.map((name) => result.observations[name]?.value);
const apartByAge = (result: RunResult): unknown[] =>
  (result.tables.ages?.rows ?? []).map(([, apart]) => apart);

/** docs/model/scenarios-clock §S10. */
describe("vCPU 0 moved when vCPU 1's reference is 300 s old", () => {
  it.each([
    ["v6.12", 17_805n, 100_000_000n],
    ["v6.18", 17_805n, 100_000_000n],
    ["v6.19", 17_811n, 1_000n],
    ["v7.1", 17_811n, 1_000n],
  ])("in %s is %i ns behind, for %i ns", (kernel, apart, lasts) => {
    expect(values(run(kernel), "apart", "lasts")).toEqual([apart, lasts]);
  });

  it("is as far behind where the boot vCPU is on the old MSR", () => {
    expect(values(run("v6.19", { off: "old-msr" }), "apart", "lasts")).toEqual([17_811n, 1_000n]);
  });

  it.each([
    ["v6.12", 20n],
    ["v6.19", 1n],
  ])("stands still for less than that in %s, after %i reads of vCPU 1", (kernel, stood) => {
    const [stands, reads] = values(run(kernel), "stands", "stood");
    expect(stands).toBe(17_509n);
    expect(reads).toBe(stood);
  });

  it("does not at 2.0 GHz, where both clocks are exact, and at 2.4 GHz is ahead", () => {
    expect(values(run("v6.12", { hostKhz: "2GHz" }), "apart", "stands")).toEqual([0n, 0n]);
    const [apart, stands] = values(run("v6.12", { hostKhz: "2.4GHz" }), "apart", "stands");
    expect(apart).toBe(-14_329n);
    expect(stands).toBe(0n);
  });
});

describe("an older VM", () => {
  it("is bounded by the periodic sync up to v6.18", () => {
    expect(apartByAge(run("v6.18"))).toEqual([587n, 3_556n, 17_805n, 17_811n, 17_811n, 17_811n]);
  });

  it("is not from v6.19 on: 5.13 ms a day", () => {
    const apart = [593n, 3_562n, 17_811n, 35_623n, 213_739n, 5_129_724n];
    expect(apartByAge(run("v6.19"))).toEqual(apart);
    expect(apartByAge(run("v6.18 + periodicSync=none")).slice(3)).toEqual([35_617n, 213_733n, 5_129_718n]);
  });
});

describe("moves that follow each other", () => {
  it.each([
    ["v6.12", "20ms", 9n],
    ["v6.18 + globalUpdate=immediate", "20ms", 50n],
    ["v6.19", "20ms", 50n],
    ["v7.1", "20ms", 10n],
    ["v7.1", "50ms", 28n],
    ["v7.1", "200ms", 50n],
    ["v6.12", "200ms", 50n],
  ])("kick the other vCPU in %s, one each %s, %i times of 50", (kernel, moveEvery, kicks) => {
    expect(values(run(kernel, { moveEvery }), "kicks", "renewals")).toEqual([kicks, kicks]);
  });

  it("leave the clocks up to 60 ns apart in v7.1, which holds updates back for a second", () => {
    const [apart = 0n] = values(run("v7.1", { moves: "200" }), "laterApart") as bigint[];
    expect(apart).toBeGreaterThan(20n);
    expect(apart).toBeLessThanOrEqual(62n);
  });
});

describe("on a master clock", () => {
  const nothing = [0n, 0n, 0n];

  it.each(["v6.18", "v7.3"])("nothing happens in %s when a vCPU moves", (kernel) => {
    expect(values(run(kernel, { off: "never", age: "301s" }), "apart", "stood", "kicks")).toEqual(nothing);
  });

  it("a sync kicks all for nothing, unless gratuitous updates are left out", () => {
    expect(values(run("v6.18", { off: "never" }), "kicks", "renewals")).toEqual([1n, 1n]);
    const without = "v6.18 + gratuitousGlobal=without-master-clock";
    expect(values(run(without, { off: "never" }), "kicks", "renewals")).toEqual([0n, 0n]);
    expect(values(run(without), "kicks")).toEqual([9n]);
  });

  it("an offset is none where frequencies are asked for", () => {
    const proposed = run("v7.3 + masterClockTsc=equal-frequency");
    expect(values(proposed, "apart", "stood", "kicks")).toEqual(nothing);
    expect(apartByAge(proposed).every((ns) => ns === 0n)).toBe(true);
  });
});

describe("the scenario", () => {
  it("plots the gap from 50 ms before the first move to 200 ms after it", () => {
    const points = run("v6.12").series.apart?.points ?? [];
    const apart = points.filter(([, ns]) => ns > 17_000n).map(([at]) => at);
    expect([apart[0], apart[apart.length - 1]]).toEqual([50_000_000n, 147_500_000n]);
    expect(points[points.length - 1]?.[0]).toBe(250_000_000n);
  });

  it("gives the same bytes for the same request", () => {
    const json = (): string => JSON.stringify(runToJson(run("v7.1")));
    expect(json()).toBe(json());
  });

  it.each([
    [
      "v6.12",
      "v6.12: a vCPU that is moved leaves clocks 17.805 µs apart for 100 ms, and 50 moves kick the other 9 times",
    ],
    [
      "v6.19",
      "v6.19: a vCPU that is moved leaves clocks 17.811 µs apart for 1 µs, and 50 moves kick the other 50 times",
    ],
    [
      "v7.3 + masterClockTsc=equal-frequency",
      "v7.3 + masterClockTsc=equal-frequency: a vCPU that is moved keeps the others' time",
    ],
  ])("says in one line what becomes of %s", (kernel, verdict) => {
    expect(nonMasterAnchors.verdict(run(kernel), kernel)).toBe(verdict);
  });

  it("refuses an age at which the VM still starts", () => {
    expect(() => run("v7.3", { age: "1s" })).toThrow(
      new ChronovisorError('age: expected 2s to 7d, got "1s"'),
    );
  });

  it("stops when it is told to, and ends its progress where it said it would", () => {
    const stop = new AbortController();
    const onFirst: RunHooks["onProgress"] = () => stop.abort(new Error("enough"));
    expect(() => run("v7.3", {}, { signal: stop.signal, onProgress: onFirst })).toThrow("enough");
    let last = { simulatedNs: 0n, totalNs: 1n };
    run("v7.3", {}, { onProgress: (progress) => (last = progress) });
    expect(last.simulatedNs).toBe(last.totalNs);
    expect(nonMasterAnchors.lengthNs(parseParams(nonMasterAnchors.params, {}))).toBe(last.totalNs);
  });
});
