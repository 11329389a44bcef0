import { type Explanation, explain, type MeasureRuns } from "../explain/explain.js";
import { parseKernel } from "../kernels/kernels.js";
import type { ScenarioDefinition } from "../scenario/types.js";
import type { CliContext } from "./context.js";
import { applyOverrides, parseSeed, parseSettings, type SharedOptions } from "./options.js";
import { runJobs } from "./run-columns.js";

export interface ExplainOptions extends SharedOptions {
  readonly kernel?: string;
  readonly observe?: string;
}

/** Splits what a scenario observes on the kernel the options name, or on the one before its fix. */
export function explainScenario(
  context: CliContext,
  scenario: ScenarioDefinition,
  options: ExplainOptions,
): Promise<Explanation> {
  const { id } = scenario;
  const { inputs, overrides } = parseSettings(scenario, options);
  const expression = options.kernel ?? scenario.variants.before;
  const kernel = applyOverrides(parseKernel(expression), overrides, options.kernel);
  const seed = parseSeed(options.seed);
  const measure: MeasureRuns = (runs) =>
    runJobs(
      context,
      `explain ${id}`,
      runs.map((run) => ({ scenario: id, seed, mode: "closed-form", ...run })),
    );
  const { observe } = options;
  return explain({ scenario, kernel, inputs, ...(observe === undefined ? {} : { observe }) }, measure);
}
