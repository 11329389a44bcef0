import { expect, it } from "vitest";
import { comparisonToJson, differingAxes, runToJson } from "./json.js";
import type { RunResult } from "./types.js";

const result: RunResult = {
  scenario: "metronome",
  kernel: "v4.16",
  axes: { b: "old", a: "same" },
  params: { duration: { value: 2n ** 63n, unit: "ns" }, mood: { value: "calm", unit: "name" } },
  seed: 1,
  observations: {
    lag: { value: -(2n ** 64n), unit: "ps" },
    drifts: { value: true, unit: "flag" },
  },
  series: { lag: { title: "lag", unit: "ps", points: [[0n, -1n]] } },
  tables: {
    t: { title: "T", columns: [{ name: "n", unit: "count", title: "n" }], rows: [[5n], ["x"], [false]] },
  },
  expectations: [
    { text: "a", held: true, expected: "1", got: "1", reason: "r" },
    { text: "b", held: undefined, expected: "stated for other parameters", got: "", reason: "r" },
  ],
};

it("carries integers of any size as decimal strings, with their unit, in a fixed order", () => {
  expect(JSON.stringify(runToJson(result))).toBe(
    '{"scenario":"metronome","kernel":"v4.16","axes":{"b":"old","a":"same"},' +
      '"params":{"duration":{"value":"9223372036854775808","unit":"ns"},"mood":{"value":"calm","unit":"name"}},' +
      '"seed":1,' +
      '"observations":{"lag":{"value":"-18446744073709551616","unit":"ps"},"drifts":{"value":true,"unit":"flag"}},' +
      '"series":{"lag":{"title":"lag","unit":"ps","points":[["0","-1"]]}},' +
      '"tables":{"t":{"title":"T","columns":[{"name":"n","unit":"count","title":"n"}],"rows":[["5"],["x"],[false]]}},' +
      '"expectations":[{"text":"a","held":true,"expected":"1","got":"1","reason":"r"},' +
      '{"text":"b","held":null,"expected":"stated for other parameters","got":"","reason":"r"}]}',
  );
});

it("names the axes that are not the same everywhere", () => {
  const other: RunResult = { ...result, kernel: "v4.17", axes: { b: "new", a: "same" } };
  expect(differingAxes([result, result])).toEqual([]);
  expect(differingAxes([result, result, other])).toEqual(["b"]);
  expect(differingAxes([])).toEqual([]);
  const comparison = comparisonToJson("metronome", [other, result]);
  expect(Object.keys(comparison)).toEqual(["scenario", "columns", "axes"]);
  expect(comparison.columns.map(({ kernel }) => kernel)).toEqual(["v4.17", "v4.16"]);
});
