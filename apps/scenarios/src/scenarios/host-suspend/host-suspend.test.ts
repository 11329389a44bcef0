import { describe, expect, it } from "vitest";
import { ChronovisorError } from "../../errors.js";
import { parseParams } from "../../params/parse-params.js";
import { runToJson } from "../../scenario/json.js";
import type { RunHooks, RunResult } from "../../scenario/types.js";
import { storyRuns, value } from "../fixtures/story-runs.js";
import { hostSuspend } from "./index.js";

/** Every run is also held to what is expected of it. */
const { run, runOnce } = storyRuns(hostSuspend);
const rows = (result: RunResult, name: string): unknown => result.tables[name]?.rows;
const D = 3_600_000_000_000n;

/** docs/model/scenarios-clock §S7. */
describe("an hour of sleep at 3.0 to 2.5 GHz", () => {
  it("in which the TSC begins anew costs the guest's TSC nothing: 8 995 000 000 000 cycles are made good", () => {
    const result = runOnce("v7.3");
    expect(value(result, "lost")).toBe(8_995_000_000_000n);
    expect(value(result, "given")).toBe(7_495_833_333_333n);
    expect(value(result, "tscGain")).toBe(0n);
    expect([value(result, "masterOnWaking"), value(result, "masterAfter")]).toEqual([false, false]);
  });

  it("does to the guest's clocks what the host's TSC makes of it", () => {
    // 1 439 802 ns: 399.94 ppb of the hour. −1 378 647 ns: −459.55 ppb of 3000 s awake. The rest alike.
    expect(rows(runOnce("v7.3"), "clocks")).toEqual([
      ["counts on", D, D + 1_439_802n, -3_094_179n, -214_577n, true],
      ["begins anew", 0n, D - 1_378_647n, -275_729n, -214_577n, false],
      ["stops", 0n, 0n, D - 1_654_377n, -214_577n, true],
    ]);
  });

  it("makes a deadline late by an hour, by the guest's TSC only where that counted; ticks do not burst", () => {
    expect(rows(runOnce("v7.3"), "timers")).toEqual([
      ["counts on", D + 59n, D + 59n, 5_000_005n, 10n],
      ["begins anew", D + 59n, 59n, 5_000_005n, 10n],
      ["stops", D + 59n, 59n, 5_000_005n, 10n],
    ]);
  });

  it.each(["counts", "resets", "stops"])("does not happen to MONOTONIC and RAW (TSC %s)", (tsc) => {
    const result = runOnce("v7.3", { tsc });
    expect(["monotonicGain", "rawGain", "boottimeGain"].map((name) => value(result, name))).toEqual([
      0n,
      0n,
      D,
    ]);
  });

  it("is in the plot: the clock is an hour behind until the new reference where the TSC stopped", () => {
    const points = runOnce("v7.3", { tsc: "stops" }).series.off?.points ?? [];
    const behind = points.filter(([, off]) => off < -D / 2n).map(([ns]) => ns);
    expect(behind[0]).toBe(6_600_000_000_000n);
    expect(behind[behind.length - 1]).toBe(7_200_000_000_000n);
    expect(points.every(([ns], i) => i === 0 || ns > (points[i - 1]?.[0] ?? 0n))).toBe(true);
  });
});

/** The same section: KVM forgets its last write, and compares with the host's clock from 0. */
describe("user space's write of the TSC after one that began anew", () => {
  const EXPECTED = 16_499_999_552_965n;
  const THROWN = 4_166_666_666n - EXPECTED;

  it.each([
    ["v6.6", true],
    ["v6.7", false],
    ["v7.3", false],
  ])("in %s is taken for one in step within a second, its first one: %s", (kernel, first) => {
    const result = runOnce(kernel);
    expect(value(result, "expectedWrite")).toBe(EXPECTED);
    expect(rows(result, "writes")).toEqual([
      [-2_500_000_000n, false, false, 0n],
      [-2_499_999_999n, first, true, THROWN + 2_499_999_999n],
      [0n, first, true, THROWN],
      [2_499_999_999n, first, true, THROWN - 2_499_999_999n],
      [2_500_000_000n, false, false, 0n],
    ]);
  });

  it("throws the guest's TSC back to 1.67 s if so, for the offset it is given is from before the sleep", () => {
    expect(value(runOnce("v6.6"), "writeOff")).toBe(THROWN);
    expect(value(runOnce("v7.3"), "writeOff")).toBe(0n);
  });
});

it("with the guest's rate in Hz the clock that counted on goes back by little more than the host's rounding", () => {
  const [counts] = rows(runOnce("v7.3 + guestKhz=hz"), "clocks") as readonly (readonly unknown[])[];
  // The host's 59.6 ppb of 3600 s awake, and 0.64 ppb of its own 7200 s.
  expect(counts?.[3]).toBe(-219_186n);
});

describe("the scenario", () => {
  it("gives the same bytes for the same request", () => {
    const json = (): string => JSON.stringify(runToJson(run("v7.3")));
    expect(json()).toBe(json());
  });

  it("says in one line what the guest is left with", () => {
    const verdict = (set: Record<string, string>): string =>
      hostSuspend.verdict(runOnce("v7.3", set), "v7.3");
    expect(verdict({})).toBe(
      "v7.3: after 3 600 s of sleep the guest's clock and its TSC are 3 600 s apart, and its master clock is gone",
    );
    expect(hostSuspend.verdict(runOnce("v6.6"), "v6.6")).toMatch(
      /, its master clock is gone, and a TSC written then is off by 6 598\.3 s$/,
    );
    expect(verdict({ tsc: "stops" })).toMatch(
      /knows nothing of it until a new reference moves its clock by 3 600 s$/,
    );
    expect(verdict({ tsc: "counts" })).toMatch(/has slept as well, by its TSC and by its clock$/);
  });

  it("refuses a TSC that begins anew ahead of where it was", () => {
    expect(() => run("v7.3", { resetTo: "60_000_000_000", age: "20s" })).toThrow(
      new ChronovisorError(
        'resetTo: expected less than the TSC has as the host goes to sleep (60000000000), got "60000000000"',
      ),
    );
  });

  it("stops when it is told to, and ends its progress where it said it would", () => {
    const stop = new AbortController();
    const onFirst: RunHooks["onProgress"] = () => stop.abort(new Error("enough"));
    expect(() => run("v7.3", {}, { signal: stop.signal, onProgress: onFirst })).toThrow("enough");
    let last = { simulatedNs: 0n, totalNs: 1n };
    run("v7.3", {}, { onProgress: (progress) => (last = progress) });
    expect(last.simulatedNs).toBe(last.totalNs);
    expect(hostSuspend.lengthNs(parseParams(hostSuspend.params, {}))).toBe(last.totalNs);
  });
});
