import { describe, expect, it } from "vitest";
import { ChronovisorError } from "../errors.js";
import { axisValues, parseKernel } from "../kernels/kernels.js";
import { parseParams } from "../params/parse-params.js";
import { runScenario } from "../scenario/run-scenario.js";
import { scenarios } from "../scenarios/index.js";
import { type ExplainQuestion, explain, type MeasureRuns } from "./explain.js";
import { explanationToJson } from "./json.js";

const scenarioNamed = (id: string): ExplainQuestion["scenario"] => {
  const found = scenarios.find((scenario) => scenario.id === id);
  if (found === undefined) throw new Error(`no scenario ${id}`);
  return found;
};

const explained = (id: string, kernel: string, inputs: Record<string, string> = {}, observe?: string) => {
  const scenario = scenarioNamed(id);
  const measure: MeasureRuns = async (runs) =>
    runs.map((run) => runScenario(scenario, { ...run, params: run.params as never, seed: 1 }));
  const question = { scenario, kernel: parseKernel(kernel), inputs };
  return explain(observe === undefined ? question : { ...question, observe }, measure);
};

const sumOf = ({ shares, rest }: Awaited<ReturnType<typeof explained>>): bigint =>
  shares.reduce((sum, { share }) => sum + share, rest);

describe("explain xen-accuracy at 3.0 → 2.5 GHz", () => {
  it("names the frequency in whole kHz, 0.4 ppm, and sums to the report's 3243 ns", async () => {
    const result = await explained("xen-accuracy", "v6.8");
    expect(result.total).toBe(3_243n);
    expect(sumOf(result)).toBe(3_243n);
    expect(result.shares.map(({ term, share }) => [term.name, share])).toEqual([
      ["khz", 3_237n],
      ["conversions", 7n],
      ["gap", 0n],
    ]);
    expect(result.rest).toBe(-1n);
    // 10^9 ns / 2 499 999 kHz · 1 kHz = 400 ppb, less what the other roundings give back.
    expect(explanationToJson(result).terms[0]?.ppt).toBe("399427");
  });

  it("tells the gap between two reads from what has built up", async () => {
    const result = await explained("xen-accuracy", "v6.8", { age: "1h", gap: "5us" });
    expect(result.shares.at(-1)).toMatchObject({ share: 5_000n, alone: 5_000n });
    expect(sumOf(result)).toBe(result.total);
  });

  it("splits a day's drift into the kHz and the rest as the page has them", async () => {
    const result = await explained("xen-accuracy", "v6.8", {}, "driftPerDay");
    expect(result.total).toBe(34_575_350n);
    // docs/model/pvclock §6: in Hz, 75 436 remain.
    expect(result.shares.map(({ share }) => share)).toEqual([34_575_350n - 75_436n, 75_436n]);
    expect(result.rest).toBe(0n);
  });

  it("finds nothing where the fix reads both clocks at once", async () => {
    const result = await explained("xen-accuracy", "v6.9");
    expect(result.shares.every(({ share }) => share >= -1n && share <= 1n)).toBe(true);
  });
});

describe("budgets", () => {
  const budgets = scenarios.flatMap((scenario) =>
    (scenario.budgets ?? []).map(
      (budget) => [`${scenario.id}: ${budget.observation}`, scenario, budget] as const,
    ),
  );

  it.each(budgets)(
    "%s is of a number, by terms that a run takes",
    (_, scenario, { observation, over, terms }) => {
      for (const name of [observation, ...(over === undefined ? [] : [over])]) {
        expect(["name", "flag", undefined]).not.toContain(scenario.observe[name]?.unit);
      }
      expect(new Set(terms.map(({ name }) => name)).size).toBe(terms.length);
      for (const { ideal } of terms) {
        expect(() => parseParams(scenario.params, ideal.params ?? {})).not.toThrow();
        for (const [axis, value] of Object.entries(ideal.axes ?? {}))
          expect(axisValues(axis)).toContain(value);
      }
    },
  );

  it("are had by every story", () => {
    expect(scenarios.filter(({ budgets: own = [] }) => own.length === 0).map(({ id }) => id)).toEqual([]);
  });
});

describe("explain", () => {
  it("refuses an observation without a budget, naming those with one", async () => {
    await expect(explained("xen-accuracy", "v6.8", {}, "lat")).rejects.toThrow(
      new ChronovisorError('observe: expected one of late, driftPerDay, got "lat" (did you mean late?)'),
    );
  });
});
