import { describe, expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import { parseParams } from "../../params/parse-params.js";
import { runToJson } from "../../scenario/json.js";
import { runScenario } from "../../scenario/run-scenario.js";
import type { RunResult } from "../../scenario/types.js";
import { failures, storyRuns, value } from "../fixtures/story-runs.js";
import { periodicDrift } from "./index.js";

/** docs/model/scenarios-lapic §S000.0: generation a with the synchronous expiry, which no release combines. */
const VARIANT_A = "v4.16 + switchToSw=expire-and-advance";

const { attempt: run } = storyRuns(periodicDrift);

/** Rows of the delivered table as `seconds: [seen, cb, hvExp, swStart]`. */
function delivered(result: RunResult): Record<string, (bigint | string | boolean)[]> {
  const rows = result.tables.delivered?.rows ?? [];
  return Object.fromEntries(
    rows.map(([t, , seen, cb, hvExp, swStart]) => [
      `${BigInt(t as bigint) / 1_000_000_000n}`,
      [seen, cb, hvExp, swStart].map((figure) => figure ?? ""),
    ]),
  );
}

describe("an idle guest before the fix (S000.1, variant a)", () => {
  const hour = run("v4.16", { duration: "1h" });

  it("delivers exactly the interrupts the page states, over an hour", () => {
    expect(delivered(hour)).toEqual({
      10: [9_999n, 9_999n, 0n, 0n],
      19: [18_999n, 18_999n, 0n, 0n],
      21: [20_998n, 20_448n, 550n, 0n],
      40: [39_965n, 29_915n, 10_084n, 0n],
      60: [53_289n, 36_565n, 23_435n, 0n],
      120: [77_964n, 48_876n, 71_121n, 0n],
      600: [139_861n, 79_753n, 520_245n, 0n],
      3600: [211_148n, 115_305n, 3_484_540n, 0n],
    });
  });

  it("parts the deadlines by 180.001 ms, and waits for 179.999 ms in the last halt", () => {
    expect(value(hour, "lag")).toBe(180_001_300_400n);
    expect(value(hour, "haltWait")).toBe(179_999_000n);
  });

  it("loses 94.13 % of the ticks, within 0.1", () => {
    const lost = 3_600_000n - (value(hour, "seen") as bigint);
    expect(lost * 10_000n >= 3_600_000n * 9_403n && lost * 10_000n <= 3_600_000n * 9_423n).toBe(true);
  });

  it("holds every expectation that applies", () => {
    expect(failures(hour)).toEqual([]);
    expect(hour.expectations.filter(({ held }) => held)).toHaveLength(6);
  });

  it("sees no more than 53 332 ticks in a minute with a handler of no length (sensitivity)", () => {
    const minute = run("v4.16", { duration: "60s", handler: "0ns" });
    expect(delivered(minute)).toEqual({
      10: expect.anything(),
      19: expect.anything(),
      21: expect.anything(),
      40: expect.anything(),
      60: [53_332n, 36_665n, 23_335n, 0n],
    });
  });

  it("loses a tick in the last two rows of the 500 µs variation, where the page states them", () => {
    const result = run("v4.16", { duration: "600s", period: "500us", monoRatePpm: "-10ppm" });
    expect(delivered(result)).toMatchObject({
      60: [119_999n, 109_497n, 10_502n, 0n],
      600: [520_623n, 308_969n, 891_021n, 0n],
    });
  });

  it("loses nothing when the clock runs fast, while the lag grows unnoticed", () => {
    const result = run("v4.16", { duration: "60s", monoRatePpm: "50ppm" });
    expect(value(result, "seen")).toBe(60_003n);
    expect(value(result, "hvExp")).toBe(0n);
    // −3.000 ms as the page rounds it.
    expect((value(result, "lag") as bigint) / 1_000_000_000n).toBe(-3n);
  });
});

describe("an idle guest after the fix (S000.1, variants b and c)", () => {
  it.each(["v4.17", "v6.18", "v6.19", "v7.3"])("on %s sees every tick through the hrtimer", (kernel) => {
    const result = run(kernel, { duration: "60s" });
    expect(value(result, "seen")).toBe(59_997n);
    expect(value(result, "cb")).toBe(59_997n);
    expect(value(result, "hvExp")).toBe(0n);
    expect(value(result, "largestLag")).toBe(50_400n);
    expect(value(result, "haltWait")).toBe(995_050n);
    expect(failures(result)).toEqual([]);
  });

  it("sees 60 003 in a minute of a fast clock", () => {
    expect(value(run("v4.17", { duration: "60s", monoRatePpm: "50ppm" }), "seen")).toBe(60_003n);
  });
});

describe("a guest that halts and runs in turn (S000.2)", () => {
  const alternating = { duration: "600s", load: "alternating" };

  it.each([
    [
      "re-entering at every tick",
      "-50ppm",
      "reentry",
      [56_707n, 18_076n, 41_924n, 0n],
      [372_245n, 38_159n, 561_841n, 0n],
    ],
    [
      "idling on the hrtimer",
      "-50ppm",
      "software",
      [59_900n, 29_400n, 30_600n, 0n],
      [559_400n, 253_500n, 346_500n, 0n],
    ],
    // The page counts the batch of the very last instant, 3 and 30 callbacks; here its handler is still to end.
    [
      "with a fast clock",
      "50ppm",
      "reentry",
      [59_900n, 30_100n, 29_700n, 200n],
      [559_400n, 340_600n, 256_500n, 2_900n],
    ],
  ])("before the fix, %s", (_, monoRatePpm, idleModel, atMinute, atTenMinutes) => {
    const result = run(VARIANT_A, { ...alternating, monoRatePpm, idleModel });
    expect(delivered(result)).toMatchObject({ 60: atMinute, 600: atTenMinutes });
    expect(failures(result)).toEqual([]);
  });

  it("on v4.16 itself has those synchronous expirations as callbacks", () => {
    const result = run("v4.16", { ...alternating, monoRatePpm: "50ppm" });
    expect(delivered(result)).toMatchObject({ 600: [559_400n, 343_500n, 256_500n, 0n] });
    expect(failures(result)).toEqual([]);
  });

  it.each([
    ["-50ppm", 599_970n, 299_970n, 50_400n],
    ["50ppm", 600_030n, 300_030n, 50_800n],
  ])("after the fix sees every tick at %s", (monoRatePpm, seen, cb, largestLag) => {
    const result = run("v4.17", { ...alternating, monoRatePpm });
    expect(value(result, "seen")).toBe(seen);
    expect(value(result, "cb")).toBe(cb);
    expect(value(result, "hvExp")).toBe(300_000n);
    expect(value(result, "largestLag")).toBe(largestLag);
    expect(failures(result)).toEqual([]);
  });

  it("halts first or runs first, as it is told", () => {
    const first = (half: string): unknown =>
      value(run("v4.17", { duration: "100ms", load: "alternating", first: half }), "hvExp");
    expect(first("idle")).toBe(0n);
    expect(first("running")).toBe(99n);
  });
});

describe("a guest that never halts", () => {
  it("parts by 2.469 ms an hour from rounding alone, without NTP (S000.3)", () => {
    const clock = { hostKhz: "2095078kHz", hostHz: "2095078437Hz", monoRatePpm: "0ppm", load: "running" };
    const minute = run("v4.16", { ...clock, duration: "60s" });
    // 60 000 · 0.685893 ns, and up to a cycle.
    expect(value(minute, "lag")).toBe(41_154_545n);
    expect(failures(minute)).toEqual([]);
    const fixed = run("v4.17", { ...clock, duration: "60s" });
    expect((value(fixed, "largestLag") as bigint) <= 700n + 478n).toBe(true);
  });

  it("follows the TSC before the fix and CLOCK_MONOTONIC after it, lossless either way (S000.4)", () => {
    const load = { duration: "600s", load: "running" };
    expect(value(run("v4.16", load), "seen")).toBe(600_000n);
    expect(value(run("v4.17", load), "seen")).toBe(599_970n);
    expect(value(run("v6.19", load), "seen")).toBe(599_970n);
  });
});

describe("on a host whose clock is the TSC, held 50 ppm slow by NTP tick by tick", () => {
  const steered = { clock: "tsc", duration: "60s" };

  it("drifts by the slew and by what the rounded multiplier loses: 59.6 ppb", () => {
    const minute = run("v4.16", steered);
    // 60 s · 50.0596 ppm / (1 − 50 ppm), and one unit of the multiplier, 149 ppb, at most.
    const lag = value(minute, "lag") as bigint;
    expect(lag > 3_003_500_000n && lag < 3_003_900_000n).toBe(true);
    expect(failures(minute)).toEqual([]);
  });

  it.each([["idle"], ["alternating"], ["running"]])("loses no tick after the fix, %s", (load) => {
    const minute = run("v4.17", { ...steered, load });
    expect(value(minute, "seen")).toBe(value(minute, "due"));
    expect(value(minute, "due")).toBe(59_996n);
    expect(failures(minute)).toEqual([]);
  });

  it("takes CONFIG_HZ from the host: a faster tick looks more often and changes nothing else", () => {
    const slowTick = run("v6.19", { ...steered, duration: "5s", hz: "100" });
    const fastTick = run("v6.19", { ...steered, duration: "5s", hz: "1000" });
    expect(value(fastTick, "seen")).toBe(value(slowTick, "seen"));
    expect(failures(fastTick)).toEqual([]);
  });
});

describe("the scenario", () => {
  it("drifts under TSC scaling too, and on an APIC bus of 25 MHz", () => {
    const scaled = run("v4.16", { duration: "60s", guestKhz: "3GHz" });
    expect(value(scaled, "seen")).toBe(53_289n);
    const slowBus = run("v4.16", { duration: "60s", busNs: "40ns" });
    expect(value(slowBus, "seen")).toBe(53_289n);
  });

  it("gives the same bytes for the same request", () => {
    const json = (): string => JSON.stringify(runToJson(run("v4.16", { duration: "30s" })));
    expect(json()).toBe(json());
  });

  it.each<Record<string, string>>([
    { duration: "1s", exitCost: "10ms", entryCost: "100us" },
    // A cycle of 10 ns holds instants before the target and after it.
    {
      duration: "200ms",
      exitCost: "10ms",
      entryCost: "1us",
      handler: "10ms",
      hostKhz: "100MHz",
      guestKhz: "10GHz",
    },
  ])("gives the same bytes stepped, where the remainder falls below zero: %o", (params) => {
    const closedForm = runToJson(run("v6.18", params));
    expect(runToJson(run("v6.18", params, { stepped: true }))).toEqual(closedForm);
  });

  it.each<[string, string, Record<string, string>]>([
    ["a handler longer than the period never halts", "v7.3", { handler: "10ms" }],
    ["exits longer than the period are late by more than one", "v5.17", { exitCost: "1ms" }],
    ["a step of the preemption timer longer than the period", "v4.17", { preemptionTimerShift: "31" }],
    ["the same before the fix", "v4.10", { preemptionTimerShift: "31" }],
    ["wake-ups longer than the period", "v6.18", { wakeCost: "1ms", period: "200us" }],
    ["entries that take time lose ticks early", "v4.7", { entryCost: "1ms", haltPoll: "500us" }],
    ["a run that ends before the first tick", "v4.10", { period: "1s" }],
    [
      "a deadline in cycles of a TSC 25 times as fast as calibrated",
      "v4.17",
      { hostHz: "100MHz", load: "running" },
    ],
    [
      "an exit that reads the clock between two nanoseconds",
      "v6.3",
      { hostHz: "2500000001Hz", load: "alternating", monoRatePpm: "500ppb" },
    ],
  ])("states no figure that these parameters break: %s", (_why, kernel, params) => {
    expect(failures(run(kernel, { duration: "500ms", ...params }))).toEqual([]);
  });

  it("refuses a period that the bus cannot count", () => {
    expect(() => run("v4.16", { period: "1ms", busNs: "3ns" })).toThrow(
      'period: expected a multiple of busNs (3ns) that fits a 32-bit count, got "1000000ns"',
    );
  });

  it("stops when it is told to", () => {
    const stop = new AbortController();
    const params = parseParams(periodicDrift.params, {});
    const aborted = (): unknown =>
      runScenario(periodicDrift, {
        kernel: parseKernel("v4.16"),
        params,
        seed: 1,
        hooks: {
          signal: stop.signal,
          onProgress: ({ simulatedNs }) => simulatedNs > 10_000_000_000n && stop.abort(new Error("enough")),
        },
      });
    expect(aborted).toThrow("enough");
  });
});
