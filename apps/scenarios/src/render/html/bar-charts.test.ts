import { describe, expect, it } from "vitest";
import type { Explanation } from "../../explain/explain.js";
import { distributionOf } from "../../scenario/distribution.js";
import { budgetChart } from "./budget-chart.js";
import { attribute, type ReadPage, readPage, textOf } from "./fixtures/read-page.js";
import { histogramChart } from "./histogram-chart.js";

const bars = (
  { named }: ReadPage,
  attributes: readonly string[],
): readonly (readonly (string | undefined)[])[] =>
  named("rect").map((rect) => attributes.map((name) => attribute(rect, name)));

const summaries = ({ named }: ReadPage): readonly (string | undefined)[] =>
  named("svg")
    .filter((svg) => attribute(svg, "role") === "img")
    .map((svg) => attribute(svg, "aria-label"));

describe("histogramChart", () => {
  const histogram = (label: string, samples: readonly bigint[]) => ({
    label,
    key: label,
    distribution: distributionOf("delay", "ns", samples),
  });

  it("draws nothing where no run has a sample", () => {
    expect(histogramChart([])).toBeUndefined();
    expect(histogramChart([histogram("a", [])])).toBeUndefined();
  });

  it("has a panel for every run, with the same buckets and on one scale", () => {
    const chart = readPage(
      histogramChart([histogram("before", [1n, 3n, 4n, 4n]), histogram("after", [3n, 3n])])?.html ?? "",
    );
    expect(bars(chart, ["width"])).toEqual([["33.333%"], ["100%"], ["66.667%"]]);
    expect(chart.named("text").map(textOf)).toEqual(
      ["1 to 2 ns", "1", "2 to 5 ns", "3"].concat(["1 to 2 ns", "2 to 5 ns", "2"]),
    );
    expect(summaries(chart)).toEqual([
      "delay, before: 4 samples from 1 ns to 4 ns, half of them at most 3 ns; most, 3, in 2 to 5 ns.",
      "delay, after: 2 samples from 3 ns to 3 ns, half of them at most 3 ns; most, 2, in 2 to 5 ns.",
    ]);
  });

  it("shows one sample of a million", () => {
    const samples = [1n, ...Array.from({ length: 100_000 }, () => 3n)];
    expect(bars(readPage(histogramChart([histogram("a", samples)])?.html ?? ""), ["width"])[0]).toEqual([
      "0.2%",
    ]);
  });

  it("has the quantiles of every run, and of one without a sample none", () => {
    const chart = readPage(
      histogramChart([histogram("some", [1n, 2n, 9n]), histogram("none", [])])?.html ?? "",
    );
    expect(chart.named("tr").map(textOf)).toEqual([
      "runsamplesminp50p90p99p99.9maxmean",
      "some31 ns2 ns9 ns9 ns9 ns9 ns4 ns",
      "none0–––––––",
    ]);
  });
});

describe("budgetChart", () => {
  const term = (title: string) => ({ name: title, title, ideal: {} });
  const explanation: Explanation = {
    scenario: "s",
    kernel: "v4.16",
    observation: "late",
    unit: "ns",
    total: 1_000n,
    shares: [
      { term: term("rounding"), share: 1_200n, alone: 1_100n },
      { term: term("luck"), share: -300n, alone: 0n },
      { term: term("nothing"), share: 0n, alone: 0n },
    ],
    rest: 100n,
    restTitle: "the wait",
    overNs: 1_000_000_000n,
  };

  it("steps from the whole to what is left, each step from where the last one ended", () => {
    const chart = readPage(budgetChart(explanation, "late by").html);
    // From −200 to 1 000 ns: 12 ns to a hundredth of the width.
    expect(bars(chart, ["class", "x", "width"])).toEqual([
      ["bar whole", "16.667%", "83.333%"],
      ["bar share", "0%", "100%"],
      ["bar share against", "0%", "25%"],
      ["bar share", "25%", "0%"],
      ["bar rest", "16.667%", "8.333%"],
    ]);
    expect(summaries(chart)).toEqual([
      "in all: late by, +1 µs; rounding, +1.2 µs; luck, −300 ns; nothing, 0 ns; left: the wait, +100 ns.",
    ]);
  });

  it("has every share, rate and effect alone in figures", () => {
    const rows = readPage(budgetChart(explanation, "late by").html).named("tr").map(textOf);
    expect(rows).toEqual([
      "causeshareas a ratealone",
      "rounding+1.2 µs+1200.000 ppb+1.1 µs",
      "luck−300 ns−300.000 ppb0 ns",
      "nothing0 ns+0.000 ppb0 ns",
      "left: the wait+100 ns+100.000 ppb",
      "in all: late by+1 µs+1000.000 ppb",
    ]);
  });

  it("speaks of no rate where nothing drifts", () => {
    const rows = readPage(budgetChart({ ...explanation, overNs: undefined }, "late by").html).named("tr");
    expect(rows.map(textOf)[1]).toBe("rounding+1.2 µs+1.1 µs");
  });

  it("draws a budget of nothing", () => {
    const nothing = { ...explanation, total: 0n, shares: [], rest: 0n };
    expect(bars(readPage(budgetChart(nothing, "late by").html), ["width"])).toEqual([["0%"], ["0%"]]);
  });
});
