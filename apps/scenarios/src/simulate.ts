import { unknownName } from "./errors.js";
import { newestRelease, parseKernel } from "./kernels/kernels.js";
import { type ParamInputs, parseParams } from "./params/parse-params.js";
import { runScenario } from "./scenario/run-scenario.js";
import type { RunHooks, RunResult, ScenarioDefinition } from "./scenario/types.js";
import { scenarios } from "./scenarios/index.js";

/** How a scenario is run; everything has a default. */
export interface SimulateOptions {
  /** A release, with overrides after `+`: `v4.16 + tdcr=immediate`. Default: the newest of the table. */
  readonly kernel?: string;
  /** Parameters by name: text with a unit, or a whole number of the parameter's base unit (of ppm for a rate). */
  readonly set?: ParamInputs;
  /** Seed of the run's random numbers, 0 … 2^32 − 1. Default 1. */
  readonly seed?: number;
  readonly hooks?: RunHooks;
}

function scenarioNamed(id: string): ScenarioDefinition {
  const found = scenarios.find((scenario) => scenario.id === id);
  if (found !== undefined) return found;
  throw unknownName(
    "scenario",
    id,
    scenarios.map((scenario) => scenario.id),
  );
}

/**
 * Runs a scenario and returns everything it measured and what held. The same request gives the same result, on every
 * platform; the call returns when the run is over.
 *
 * @param scenario - its id, as `chronovisor list` shows it.
 * @param options - kernel, parameters, seed and hooks; see {@link SimulateOptions}.
 * @throws ChronovisorError for an unknown scenario, kernel, parameter or value; LivelockError or HrtimerLoopError where
 * time stops; what `hooks.signal` was aborted with.
 * @example
 * const minute = simulate("periodic-drift", { kernel: "v4.16", set: { duration: "1m" } });
 * minute.observations.seen // => { value: 53289n, unit: 'count' }
 * minute.expectations.every((expectation) => expectation.held !== false) // => true
 */
export function simulate(scenario: string, options: SimulateOptions = {}): RunResult {
  const definition = scenarioNamed(scenario);
  const { kernel = newestRelease, set = {}, seed = 1, hooks = {} } = options;
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw new RangeError(`simulate: expected a seed from 0 to ${2 ** 32 - 1}, got ${seed}`);
  }
  return runScenario(definition, {
    kernel: parseKernel(kernel),
    params: parseParams(definition.params, set),
    seed,
    hooks,
  });
}
