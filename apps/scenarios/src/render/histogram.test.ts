import { describe, expect, it } from "vitest";
import { distributionOf } from "../scenario/distribution.js";
import { bucketLabel, type Histogram, renderHistogram } from "./histogram.js";
import { plainStyle } from "./style.js";

const histogram = (label: string, samples: readonly bigint[]): Histogram => ({
  label,
  key: label.slice(0, 1),
  distribution: distributionOf("latency", "ns", samples),
});

const times = (count: number, sample: bigint): readonly bigint[] =>
  Array.from({ length: count }, () => sample);

describe("a bucket is called", () => {
  it.each<[bigint, bigint, string]>([
    [0n, 1n, "0 to 1 ns"],
    [1n, 2n, "1 to 2 ns"],
    [500n, 1_000n, "500 ns to 1 µs"],
    [2_000n, 5_000n, "2 to 5 µs"],
    [-5_000n, -2_000n, "−5 to −2 µs"],
    [-1n, 0n, "−1 to 0 ns"],
    [-1_000n, -500n, "−1 µs to −500 ns"],
    [1_000_000_000_000n, 2_000_000_000_000n, "1 000 to 2 000 s"],
  ])("%d to %d ns: %s", (from, to, label) => {
    expect(bucketLabel({ from, to }, "ns")).toBe(label);
  });

  it("by its bounds alone where they have no unit", () => {
    expect(bucketLabel({ from: 1_000n, to: 2_000n }, "count")).toBe("1 000 to 2 000");
  });
});

describe("a histogram", () => {
  it("of one run has a count and a bar for each bucket, to an eighth of a cell, and its quantiles", () => {
    const samples = [...times(64, 100n), ...times(32, 200n), ...times(1, 500n), ...times(3, 2_000n)];
    expect(renderHistogram([histogram("only", samples)], 80, plainStyle)).toEqual([
      "latency, 100 samples",
      " 100 to 200 ns  64 ████████████████████████████████",
      " 200 to 500 ns  32 ████████████████",
      "500 ns to 1 µs   1 ▌",
      "     1 to 2 µs",
      "     2 to 5 µs   3 █▌",
      "",
      "   min     p50     p90   p99  p99.9   max    mean",
      "100 ns  100 ns  200 ns  2 µs   2 µs  2 µs  193 ns",
    ]);
  });

  it("shows a single sample among a million, and one line for buckets nobody is in", () => {
    const lines = renderHistogram([histogram("only", [...times(100_000, 1n), 1_000n])], 80, plainStyle);
    expect(lines.slice(0, 4)).toEqual([
      "latency, 100 001 samples",
      "1 to 2 ns  100 000 ████████████████████████████████",
      "        …",
      "1 to 2 µs        1 ▏",
    ]);
  });

  it("of several runs has one scale, and one line for what lies between them", () => {
    const runs = [histogram("a run", times(10, 1n)), histogram("b run", times(5, 10_000n))];
    expect(renderHistogram(runs, 60, plainStyle)).toEqual([
      "latency",
      "             a run                   b run",
      "  1 to 2 ns  10 ███████████████████",
      "          …",
      "10 to 20 µs                           5 █████████▌",
      "",
      "   samples    min    p50    p90    p99  p99.9    max   mean",
      "a       10   1 ns   1 ns   1 ns   1 ns   1 ns   1 ns   1 ns",
      "b        5  10 µs  10 µs  10 µs  10 µs  10 µs  10 µs  10 µs",
    ]);
  });

  it("sets runs below each other where they do not fit, on the same scale still", () => {
    const runs = [histogram("first run", times(10, 1n)), histogram("second run", times(5, 10_000n))];
    const lines = renderHistogram(runs, 30, plainStyle);
    expect(lines.slice(0, 7)).toEqual([
      "latency",
      "           first run",
      "1 to 2 ns  10 ██████████████",
      "",
      "             second run",
      "10 to 20 µs   5 ███████",
      "",
    ]);
    expect(lines.filter((line) => line.length > 30)).toEqual([]);
  });

  it("writes quantiles out where their table does not fit", () => {
    expect(renderHistogram([histogram("only", [1n])], 40, plainStyle).slice(3)).toEqual([
      "- min 1 ns, p50 1 ns, p90 1 ns,",
      "  p99 1 ns, p99.9 1 ns, max 1 ns,",
      "  mean 1 ns",
    ]);
  });

  it("has a dash for the quantiles of a run without samples, and is nothing when no run has any", () => {
    const [none, some] = [histogram("none", []), histogram("some", [7n])];
    const lines = renderHistogram([none, some], 80, plainStyle);
    expect(lines.find((line) => line.startsWith("none"))).toMatch(/^none +0( +–){7}$/);
    expect(renderHistogram([none], 80, plainStyle)).toEqual([]);
    expect(renderHistogram([], 80, plainStyle)).toEqual([]);
  });
});
