import { describe, expect, it } from "vitest";
import type { Unit } from "../scenario/types.js";
import { ticksBetween, timeAxisScale, valueAxisScale } from "./axis-ticks.js";
import { BrailleCanvas, brailleCharacter } from "./braille-canvas.js";
import { renderPlot } from "./plot.js";
import type { PlotLine } from "./plot-frame.js";
import { plainStyle } from "./style.js";

const SECOND = 1_000_000_000n;

function line(label: string, values: readonly bigint[], unit: Unit = "ns"): PlotLine {
  return {
    label,
    key: label,
    series: { title: "lag", unit, points: values.map((value, at) => [BigInt(at) * SECOND, value]) },
  };
}

describe("a braille canvas", () => {
  it("has two by four dots to a character, numbered as Unicode does", () => {
    const dots = Array.from({ length: 4 }, (_, y) =>
      [0, 1].map((x) => {
        const canvas = new BrailleCanvas(1, 1);
        canvas.set(x, y);
        return brailleCharacter(canvas.bitsAt(0, 0));
      }),
    );
    expect(dots).toEqual([
      ["⠁", "⠈"],
      ["⠂", "⠐"],
      ["⠄", "⠠"],
      ["⡀", "⢀"],
    ]);
  });

  it("ignores dots outside, shows all dots of a cell and a space for none", () => {
    const canvas = new BrailleCanvas(1, 1);
    for (const [x, y] of [
      [-1, 0],
      [2, 0],
      [0, -1],
      [0, 4],
    ] as const)
      canvas.set(x, y);
    expect(brailleCharacter(canvas.bitsAt(0, 0))).toBe(" ");
    for (let dot = 0; dot < 8; dot++) canvas.set(dot % 2, dot >> 1);
    expect(brailleCharacter(canvas.bitsAt(0, 0))).toBe("⣿");
  });
});

describe("ticks", () => {
  it.each<[number, number, number, string, string[]]>([
    [0, 30, 4, "", ["0", "10", "20", "30"]],
    [0, 3, 3, "", ["0", "1", "2", "3"]],
    [0, 0.3, 3, "", ["0.0", "0.1", "0.2", "0.3"]],
    [-30, 0, 3, "", ["−30", "−20", "−10", "0"]],
    [0, 60, 5, "min", ["0", "15", "30", "45", "60"]],
    [0, 24, 5, "h", ["0", "6", "12", "18", "24"]],
    [0, 4_000, 4, "", ["0", "1 000", "2 000", "3 000", "4 000"]],
  ])("from %d to %d in at most %i steps of %s are round", (low, high, most, symbol, labels) => {
    expect(ticksBetween(low, high, most, symbol).map(({ label }) => label)).toEqual(labels);
  });

  it.each<[number, string]>([
    [1_500, "ns"],
    [600e9, "min"],
    [7_200e9, "h"],
    [10 * 86_400e9, "d"],
  ])("over %d ns are in %s", (lengthNs, symbol) => {
    expect(timeAxisScale(lengthNs).symbol).toBe(symbol);
  });

  it("keep decimal units for values", () => {
    expect(valueAxisScale("ns", 600e9).symbol).toBe("s");
    expect(valueAxisScale("ps", 30e9).symbol).toBe("ms");
    expect(valueAxisScale("count", 1e6).symbol).toBe("");
  });
});

describe("a plot", () => {
  it("draws a rising line from corner to corner with labelled axes", () => {
    const plot = renderPlot([line("a", [0n, 3_000_000n])], 30, plainStyle);
    expect(plot[0]).toBe("lag (ms)");
    expect(plot).toHaveLength(10);
    expect(plot[1]).toMatch(/^3 ┤ +[⠀-⣿]+$/);
    expect(plot[7]).toMatch(/^0 ┤[⠀-⣿]+$/);
    expect(plot[8]).toMatch(/^ {2}└┬─+┬$/);
    expect(plot[9]).toMatch(/^ {3}0 +1\.0 s$|^ {3}0 +1 000 ms$/);
  });

  it("tells lines apart without colour", () => {
    const [head] = renderPlot([line("before", [0n, 9n]), line("after", [0n, 0n])], 60, plainStyle);
    expect(head).toBe("lag (ns)   ⠒⠒⠒⠒ before   ⠒ ⠒  after");
  });

  it("draws lines that fall together once, under all their names", () => {
    const [head] = renderPlot(
      [line("a", [0n, 9n]), line("b", [0n, 1n]), line("c", [0n, 9n])],
      60,
      plainStyle,
    );
    expect(head).toBe("lag (ns)   ⠒⠒⠒⠒ a, c   ⠒ ⠒  b");
  });

  it("has the keys of more than two curves where they end, one line's after another's", () => {
    const lines = [
      [0n, 90n],
      [0n, 1n],
      [0n, 89n],
      [0n, 0n],
      [0n, 50n],
    ].map((values, index) => ({
      ...line(`run ${index}`, values),
      key: `r${index}`,
    }));
    const plot = renderPlot(lines, 60, plainStyle);
    const rows = plot.filter((text) => /[┤│]/.test(text));
    expect(rows.map((row) => row.match(/ (r[\d, r]+)$/)?.[1] ?? "")).toEqual([
      "r0,r2",
      "",
      "",
      "r4",
      "",
      "",
      "r1,r3",
    ]);
    expect(plot.slice(0, 3)).toEqual([
      "lag (ns)",
      "⠒⠒⠒⠒ r0: run 0, r2: run 2   ⠒ ⠒  r1: run 1, r3: run 3",
      "⠂ ⠂  r4: run 4",
    ]);
  });

  it("begins a line of its own after labels that took more than one", () => {
    const many = Array.from({ length: 4 }, (_, index) => line(`mitigation ${index}`, [0n, 9n]));
    const plot = renderPlot([...many, line("other", [0n, 0n])], 40, plainStyle);
    expect(plot.slice(0, 4)).toEqual([
      "lag (ns)",
      "⠒⠒⠒⠒ mitigation 0, mitigation 1,",
      "     mitigation 2, mitigation 3",
      "⠒ ⠒  other",
    ]);
  });

  it("leaves the keys out where they would take more than a third of the room", () => {
    const lines = [
      [0n, 90n],
      [0n, 1n],
      [0n, 50n],
    ].map((values, index) => ({
      ...line(`run ${index}`, values),
      key: "a key too long",
    }));
    const plot = renderPlot(lines, 40, plainStyle);
    expect(plot.join("\n")).not.toContain("a key too long");
    expect(plot.join("\n")).toContain("⠂ ⠂  run 2");
  });

  it("leaves gaps in the second line of a flat pair", () => {
    const plot = renderPlot([line("a", [5n, 5n]), line("b", [0n, 0n])], 40, plainStyle);
    expect(plot[1]).not.toMatch(/[⠁-⣿] [⠁-⣿]/);
    expect(plot[7]).toMatch(/[⠁-⣿] [⠁-⣿]/);
  });

  it("is nothing without two points", () => {
    expect(renderPlot([], 40, plainStyle)).toEqual([]);
    expect(renderPlot([line("a", [])], 40, plainStyle)).toEqual([]);
    expect(renderPlot([line("a", [1n])], 40, plainStyle)).toEqual([]);
  });

  it.each([30, 60, 80])("keeps within %i columns", (width) => {
    const plots = [
      [0n, 0n],
      [-7n, 7n],
      [10n ** 15n, 2n * 10n ** 15n],
      [5n, 5n],
      [-5n, -5n],
    ];
    for (const values of plots) {
      const plot = renderPlot([line("a", values)], width, plainStyle);
      expect(plot.filter((text) => text.length > width)).toEqual([]);
    }
  });
});
