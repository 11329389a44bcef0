import { describe, expect, it } from "vitest";
import { ChronovisorError } from "../../errors.js";
import { parseParams } from "../../params/parse-params.js";
import { runToJson } from "../../scenario/json.js";
import type { RunHooks, RunResult } from "../../scenario/types.js";
import { failures, storyRuns, value } from "../fixtures/story-runs.js";
import { ntpSlew } from "./index.js";

const { attempt: run } = storyRuns(ntpSlew);
const held = (result: RunResult): number => result.expectations.filter((one) => one.held === true).length;

/** Small waits, for runs that are about something else. */
const SHORT = {
  wait: "2ms",
  longWait: "20ms",
  changeAt: "5ms",
  blockedWait: "5ms",
  offset: "10ms",
  nestedTicks: "1000000",
};

/** Waits right and made worse of 16, then runs that failed early and late, by the column of the comparison. */
const COLUMNS: Readonly<Record<string, readonly [bigint, bigint, bigint, bigint]>> = {
  "M0 none": [2n, 0n, 6n, 5n],
  "M1 raw": [16n, 0n, 0n, 0n],
  "M2 compensated": [7n, 5n, 1n, 4n],
  "M3 restarted": [14n, 2n, 0n, 3n],
  "M4 rechecked": [8n, 0n, 0n, 5n],
  "M5 mapped": [14n, 2n, 0n, 4n],
  "M6 hardware": [14n, 0n, 0n, 0n],
  "M2-4 all": [14n, 2n, 0n, 3n],
};

describe.each(ntpSlew.comparison ?? [])("$label", ({ label, kernel }) => {
  const result = run(kernel);

  it("gets right, makes worse and fails what it does", () => {
    expect(["right", "worse", "early", "late"].map((name) => value(result, name))).toEqual(COLUMNS[label]);
  });

  it("is what is expected of it, by at least eight expectations", () => {
    expect(failures(result)).toEqual([]);
    expect(held(result)).toBeGreaterThanOrEqual(8);
  });

  it("has a verdict of one line", () => {
    expect(ntpSlew.verdict(result, label)).toMatch(/^M\d\S* \w+: [^\n]+ off at worst; [^\n]+[^.]$/);
  });
});

describe("on v7.1, whose devices follow the clock", () => {
  it("nothing is made worse by a mitigation that hears of changes, and an idle CPU is early without one", () => {
    const none = run("v7.1");
    expect(value(none, "right")).toBe(0n);
    expect(failures(none)).toEqual([]);
    for (const mitigation of ["restart-on-update", "mapped-each-tick", "compensated-rechecked"]) {
      const mended = run(`v7.1 + deadlineClock=${mitigation}`);
      expect([value(mended, "right"), value(mended, "worse"), value(mended, "late")]).toEqual([16n, 0n, 0n]);
      expect(failures(mended)).toEqual([]);
    }
  });

  it("the verdict no longer speaks of idle CPUs", () => {
    const kernel = "deadlineClock=compensated-rechecked";
    const verdict = (release: string): string => ntpSlew.verdict(run(`${release} + ${kernel}`, SHORT), "all");
    expect(verdict("v7.0")).toMatch(/idle CPU/);
    expect(verdict("v7.1")).not.toMatch(/idle CPU/);
  });
});

describe("a re-check that arms nothing", () => {
  const lost = run("v7.0 + deadlineClock=recheck-without-restart");

  it("never wakes the halted guest, nor ends any wait that is early", () => {
    expect(value(lost, "lost")).toBe(true);
    expect(["blocked", "fast", "fastIdeal", "slewsForward"].map((id) => value(lost, id))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("does what is expected of it", () => {
    expect(failures(lost)).toEqual([]);
  });
});

describe("the scenario", () => {
  it("gives the same bytes for the same request", () => {
    const json = (): string => JSON.stringify(runToJson(run("v7.0", SHORT)));
    expect(json()).toBe(json());
  });

  it.each([
    [{ changeAt: "10s" }, 'changeAt: expected less than longWait (10s), got "10s"'],
    [
      { longWait: "60s" },
      'longWait: expected at most 54.975s, the reach of a preemption timer at 2.5GHz, got "1m"',
    ],
    [
      { wait: "15s", hostKhz: "10GHz" },
      'wait: expected at most 13.743s, the reach of a preemption timer at 10GHz, got "15s"',
    ],
  ])("refuses %o", (set, message) => {
    expect(() => run("v7.0", set)).toThrow(new ChronovisorError(message));
  });

  it("takes costs, an advance and the other daemon, and then states less", () => {
    const set = { ...SHORT, advance: "on", servo: "ntpd", exitCost: "1us", entryCost: "1us" };
    const result = run("v7.0", set);
    expect(failures(result)).toEqual([]);
    expect(held(result)).toBeLessThan(held(run("v7.0", SHORT)));
  });

  it("stops when it is told to, and tells how far it has come", () => {
    const stop = new AbortController();
    const seen: bigint[] = [];
    const onProgress: RunHooks["onProgress"] = ({ simulatedNs, totalNs }) => {
      seen.push(simulatedNs);
      if (simulatedNs * 4n > totalNs) stop.abort(new Error("enough"));
    };
    expect(() => run("v7.0", SHORT, { signal: stop.signal, onProgress })).toThrow("enough");
    expect(seen.length).toBeGreaterThan(1);
  });

  it("ends its progress where it said it would", () => {
    let last = { simulatedNs: 0n, totalNs: 1n };
    run("v7.0", SHORT, { onProgress: (progress) => (last = progress) });
    expect(last.simulatedNs).toBe(last.totalNs);
    expect(ntpSlew.lengthNs(parseParams(ntpSlew.params, SHORT))).toBe(last.totalNs);
  });
});
