import { ChronovisorError } from "../errors.js";
import { parseKernel } from "../kernels/kernels.js";
import type { ScenarioDefinition } from "../scenario/types.js";
import type { CliContext } from "./context.js";
import { applyOverrides, parseSeed, parseSettings, type SharedOptions } from "./options.js";
import { type FinishedColumns, type LabelledKernel, runColumns } from "./run-columns.js";

export interface CompareOptions extends SharedOptions {
  readonly kernels?: string;
}

export interface Comparison extends FinishedColumns {
  readonly lengthNs: bigint;
}

/** Kernels of a comparison: those named, or the scenario's before and after. */
function kernelsOf(
  scenario: ScenarioDefinition,
  listed: string | undefined,
  overrides: ReadonlyMap<string, string>,
): readonly LabelledKernel[] {
  if (listed === undefined) {
    return (["before", "after"] as const).map((label) => ({
      label,
      kernel: applyOverrides(parseKernel(scenario.variants[label]), overrides),
    }));
  }
  const kernels = listed
    .split(",")
    .map((expression) => applyOverrides(parseKernel(expression), overrides, expression));
  const names = kernels.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ChronovisorError(`--kernels: ${twice} is named twice`);
  if (kernels.length < 2) throw new ChronovisorError(`--kernels: expected two or more, got "${listed}"`);
  return kernels.map((kernel) => ({ label: kernel.name, kernel }));
}

/** Runs a scenario on the kernels the options ask for. */
export async function compareScenario(
  context: CliContext,
  scenario: ScenarioDefinition,
  options: CompareOptions,
): Promise<Comparison> {
  const { params, overrides } = parseSettings(scenario, options);
  const kernels = kernelsOf(scenario, options.kernels, overrides);
  const finished = await runColumns(context, `compare ${scenario.id}`, scenario, kernels, {
    params,
    seed: parseSeed(options.seed),
    mode: "closed-form",
  });
  return { ...finished, lengthNs: scenario.lengthNs(params as never) };
}
