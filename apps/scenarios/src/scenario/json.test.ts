import { expect, it } from "vitest";
import { distributionOf } from "./distribution.js";
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
    woken: undefined,
  },
  series: { lag: { title: "lag", unit: "ps", points: [[0n, -1n]] } },
  tables: {
    t: { title: "T", columns: [{ name: "n", unit: "count", title: "n" }], rows: [[5n], ["x"], [false]] },
  },
  distributions: {
    late: distributionOf("late", "ns", [-3n, 1n, 1n, 2n]),
    none: distributionOf("none", "ns", []),
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
      '"observations":{"lag":{"value":"-18446744073709551616","unit":"ps"},"drifts":{"value":true,"unit":"flag"},"woken":null},' +
      '"series":{"lag":{"title":"lag","unit":"ps","points":[["0","-1"]]}},' +
      '"tables":{"t":{"title":"T","columns":[{"name":"n","unit":"count","title":"n"}],"rows":[["5"],["x"],[false]]}},' +
      '"distributions":{"late":{"title":"late","unit":"ns","count":"4","buckets":[' +
      '{"from":"-5","to":"-2","count":"1"},{"from":"-2","to":"-1","count":"0"},{"from":"-1","to":"0","count":"0"},' +
      '{"from":"0","to":"1","count":"0"},{"from":"1","to":"2","count":"2"},{"from":"2","to":"5","count":"1"}],' +
      '"quantiles":{"min":"-3","p50":"1","p90":"2","p99":"2","p999":"2","max":"2","mean":"0"}},' +
      '"none":{"title":"none","unit":"ns","count":"0","buckets":[],"quantiles":null}},' +
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
