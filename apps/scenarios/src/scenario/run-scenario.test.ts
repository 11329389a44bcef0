import { expect, it } from "vitest";
import { metronome } from "../cli/fixtures/metronome.js";
import { parseKernel } from "../kernels/kernels.js";
import { parseParams } from "../params/parse-params.js";
import { distributionOf } from "./distribution.js";
import { runScenario } from "./run-scenario.js";
import type { Measured, RunResult } from "./types.js";

const latency = distributionOf("latency", "ns", [1n, 2n]);

/** The metronome with one more observation, measuring what it is told to. */
function run(measured: Partial<Measured>, woken: { readonly optional?: true }): RunResult {
  const scenario: typeof metronome = {
    ...metronome,
    observe: { ...metronome.observe, woken: { unit: "ns", title: "woken after", ...woken } },
    run: (context) => {
      const usual = metronome.run(context);
      return { ...usual, ...measured, observations: { ...usual.observations, ...measured.observations } };
    },
  };
  return runScenario(scenario, {
    kernel: parseKernel("v4.16"),
    params: parseParams(metronome.params, {}),
    seed: 1,
  });
}

it("takes an optional observation that was measured, and leaves one that was not undefined in its place", () => {
  expect(run({ observations: { woken: 7n } }, { optional: true }).observations.woken).toEqual({
    value: 7n,
    unit: "ns",
  });
  const { observations } = run({ observations: { woken: undefined } }, { optional: true });
  expect(Object.entries(observations).at(-1)).toEqual(["woken", undefined]);
  expect(Object.entries(run({}, { optional: true }).observations).at(-1)).toEqual(["woken", undefined]);
});

it("does not let any other observation be missing", () => {
  expect(() => run({}, {})).toThrow(new Error("metronome: the run did not measure woken"));
});

it("carries distributions, and none where the scenario has none", () => {
  expect(run({ distributions: { latency } }, { optional: true }).distributions).toEqual({ latency });
  expect(run({}, { optional: true }).distributions).toEqual({});
});
