import { describe, expect, it } from "vitest";
import { quantity } from "../params/builders.js";
import type { RunResult, Table } from "../scenario/types.js";
import { alignedTable } from "./aligned-table.js";
import { columnNames } from "./column.js";
import { renderParamHelp } from "./param-help.js";
import { renderTables } from "./result-tables.js";
import { colourStyle, plainStyle } from "./style.js";
import { visibleWidth } from "./visible-width.js";

const result: RunResult = {
  scenario: "x",
  kernel: "v4.16",
  axes: {},
  params: {},
  seed: 1,
  observations: {},
  series: {},
  tables: {},
  distributions: {},
  expectations: [],
};

function table(rows: Table["rows"]): Table {
  return {
    title: "By hour",
    columns: [
      { name: "t", unit: "ns", title: "after" },
      { name: "seen", unit: "count", title: "seen" },
    ],
    rows,
  };
}

const column = (label: string, rows: Table["rows"]) => ({
  label,
  result: { ...result, tables: { hours: table(rows) } },
});

describe("alignedTable", () => {
  it("has columns as wide as their widest cell, two apart, and no trailing space", () => {
    const rows = [
      ["", "a", "bb"],
      ["name", "1 000", "2"],
    ];
    expect(alignedTable(rows, ["left", "right", "right"])).toEqual(["          a  bb", "name  1 000   2"]);
  });

  it("does not count escape sequences", () => {
    const styled = colourStyle.differs("12");
    const [first = "", second = ""] = alignedTable(
      [
        [styled, "x"],
        ["3456", "y"],
      ],
      ["right", "right"],
    );
    expect(visibleWidth(first)).toBe(visibleWidth(second));
  });

  it("is nothing without rows", () => {
    expect(alignedTable([], [])).toEqual([]);
  });
});

describe("tables of a result", () => {
  it("follow each other and mark what is not as in the first", () => {
    const columns = [column("before", [[10n ** 9n, 1n]]), column("after", [[10n ** 9n, 2n]])];
    expect(renderTables(columns, ["before", "after"], 80, plainStyle)).toEqual([
      "By hour, before",
      "after  seen",
      "  1 s     1",
      "",
      "By hour, after",
      "after   seen",
      "  1 s      2*",
    ]);
  });

  it("stop after twelve rows and say how many there are", () => {
    const rows = Array.from({ length: 14 }, (_, hour) => [BigInt(hour), 0n]);
    const lines = renderTables([column("x", rows)], ["x"], 80, plainStyle);
    expect(lines).toHaveLength(2 + 12 + 1);
    expect(lines.at(-1)).toBe("… 2 more rows with --json");
  });

  it("become lines of pairs where they are too wide", () => {
    expect(renderTables([column("x", [[10n ** 9n, 5n]])], ["x"], 10, plainStyle)).toEqual([
      "By hour",
      "- after",
      "  1 s,",
      "  seen 5",
    ]);
  });

  it("are shown once for all runs with the same rows", () => {
    const columns = [
      column("before", [[10n ** 9n, 1n]]),
      column("after", [[10n ** 9n, 2n]]),
      column("later", [[10n ** 9n, 2n]]),
      column("again", [[10n ** 9n, 1n]]),
    ];
    expect(renderTables(columns, ["before", "after", "later", "again"], 80, plainStyle)).toEqual([
      "By hour, before, again",
      "after  seen",
      "  1 s     1",
      "",
      "By hour, after, later",
      "after   seen",
      "  1 s      2*",
    ]);
  });

  it("show the sign of a signed column", () => {
    const [one] = [table([[10n ** 9n, 5n]])];
    const signed = { ...one, columns: one.columns.map((spec) => ({ ...spec, signed: true as const })) };
    const run = { label: "x", result: { ...result, tables: { hours: signed } } };
    expect(renderTables([run], ["x"], 80, plainStyle).at(-1)).toBe(" +1 s    +5");
  });

  it("leave empty ones out", () => {
    expect(renderTables([column("x", [])], ["x"], 80, plainStyle)).toEqual([]);
  });
});

describe("columnNames", () => {
  it("shortens overrides to their number, and tells those apart that are alike then", () => {
    const named = (kernel: string) => ({ label: kernel, result: { ...result, kernel } });
    expect(columnNames([named("v4.16"), named("v4.16 + a=b")])).toEqual(["v4.16", "v4.16 + 1"]);
    expect(columnNames([named("v4.16 + a=c"), named("v4.16 + a=b")])).toEqual(["v4.16 (a)", "v4.16 (b)"]);
    expect(columnNames([named("v4.16"), named("v4.16 + a=c"), named("v4.16 + a=b")])).toEqual([
      "v4.16",
      "v4.16 (b)",
      "v4.16 (c)",
    ]);
    expect(columnNames([{ label: "before", result }])).toEqual(["before v4.16"]);
  });
});

it("parameter help wraps under its own column and breaks before it when a name is long", () => {
  const shape = {
    p: quantity({ unit: "ns", default: "1ms", min: "1us", max: "1s", help: "short" }),
    aParameterWithAVeryLongName: quantity({ unit: "count", default: "1", min: "0", max: "2", help: "long" }),
  };
  expect(renderParamHelp(shape, 80)).toEqual([
    "p=1ms                       short (1us to 1s) [ns]",
    "aParameterWithAVeryLongName=1",
    "                            long (0 to 2)",
  ]);
});
