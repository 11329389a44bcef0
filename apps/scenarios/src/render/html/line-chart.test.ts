import { describe, expect, it } from "vitest";
import type { Unit } from "../../scenario/types.js";
import type { PlotLine } from "../plot-frame.js";
import { attribute, elementsOf, readPage, textOf } from "./fixtures/read-page.js";
import { lineChart } from "./line-chart.js";

const SECOND = 1_000_000_000n;

function line(label: string, values: readonly bigint[], unit: Unit = "ns"): PlotLine {
  const points = values.map((value, index) => [BigInt(index) * SECOND, value] as const);
  return { label, key: label.slice(0, 2), series: { title: "lag", unit, points } };
}

const drawn = (...lines: readonly PlotLine[]) => readPage(lineChart(lines)?.html ?? "");
const summaryOf = (...lines: readonly PlotLine[]): string | undefined =>
  drawn(...lines)
    .named("svg")
    .filter((svg) => attribute(svg, "role") === "img")
    .map((svg) => attribute(svg, "aria-label"))[0];

describe("lineChart", () => {
  it("draws nothing where no line has two points", () => {
    expect(lineChart([])).toBeUndefined();
    expect(lineChart([line("a", [1n])])).toBeUndefined();
  });

  it("stretches each curve over the width, the largest value at the top", () => {
    const curves = drawn(line("before", [0n, 4_000n, 8_000n]), line("after", [0n, 0n, 0n]))
      .named("path")
      .filter((path) => attribute(path, "class")?.startsWith("curve run-"));
    expect(curves.map((path) => attribute(path, "d"))).toEqual([
      "M0,240L500,120L1000,0",
      "M0,240L500,240L1000,240",
    ]);
  });

  it("tells runs apart by dashes and marks, not by colour alone", () => {
    const runs = Array.from({ length: 8 }, (_, run) => line(`${run} run`, [0n, BigInt(run) * 1_000n]));
    const items = drawn(...runs).named("li");
    const looks = items.map((item) =>
      elementsOf(item)
        .filter(({ tagName }) => tagName === "path")
        .map((path) => [attribute(path, "stroke-dasharray"), attribute(path, "d")].join())
        .join(),
    );
    expect(new Set(looks).size).toBe(8);
  });

  it("draws runs that fall together once, and names all of them", () => {
    const page = drawn(line("M0 none", [0n, 5n]), line("M1 raw", [0n, 5n]), line("M2 both", [0n, 9n]));
    expect(page.named("li").map(textOf)).toEqual([" M0 none, M1 raw", " M2 both"]);
  });

  it("draws a run alike whichever others fall together", () => {
    const page = drawn(line("a", [0n, 5n]), line("b", [0n, 5n]), line("c", [0n, 9n]));
    const classes = page.named("path").map((path) => attribute(path, "class"));
    expect(classes.filter((name) => name?.startsWith("curve run-"))).toEqual(["curve run-0", "curve run-2"]);
  });

  it("has round labels in the unit its title names, and fewer times where it is narrow", () => {
    const page = drawn(line("before", [0n, 30_000_000n, 10_000_000n, 0n, 0n, 0n, 0n, 0n, 0n]));
    expect(page.named("figcaption").map(textOf)).toEqual(["lag (ms)"]);
    expect(page.named("text").map(textOf)).toEqual(
      ["0", "10", "20", "30"].concat(["0", "1 s", "2 s", "3 s", "4 s", "5 s", "6 s", "7 s", "8 s"]),
    );
    const wide = page.named("g").filter((group) => attribute(group, "class") === "time wide");
    expect(wide.map(textOf)).toEqual(["1 s", "2 s", "4 s", "5 s", "7 s", "8 s"]);
  });

  it("says what it shows in exact words", () => {
    expect(summaryOf(line("before", [0n, 7_000n, -3n, 5_001n]), line("after", [9n, 9n]))).toBe(
      "lag. before: from 0 ns to 5.001 µs after 3 s, lowest −3 ns after 2 s, highest 7 µs after 1 s. after: 9 ns throughout.",
    );
    expect(summaryOf(line("only", [1n, 2n]))).toBe("lag. from 1 ns to 2 ns after 1 s.");
  });
});
