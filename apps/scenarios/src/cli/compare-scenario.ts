import { ChronovisorError } from "../errors.js";
import { parseKernel } from "../kernels/kernels.js";
import type { ComparedKernel, ScenarioDefinition } from "../scenario/types.js";
import type { CliContext } from "./context.js";
import { applyOverrides, type SharedOptions } from "./options.js";
import { type FinishedColumns, type LabelledKernel, runColumns } from "./run-columns.js";
import type { Subject } from "./subject.js";

export interface CompareOptions extends SharedOptions {
  readonly kernels?: string;
}

export interface Comparison extends FinishedColumns {
  readonly lengthNs: bigint;
}

/** The scenario's kernels before and after its fix. */
export function beforeAndAfter({ variants }: ScenarioDefinition): readonly ComparedKernel[] {
  return (["before", "after"] as const).map((label) => ({ label, kernel: variants[label] }));
}

/** The columns of a comparison that names no kernels: the scenario's own, or before and after. */
function ownKernels(
  columns: readonly ComparedKernel[],
  overrides: ReadonlyMap<string, string>,
): readonly LabelledKernel[] {
  return columns.map(({ label, kernel }) => ({
    label,
    kernel: applyOverrides(parseKernel(kernel), overrides, kernel),
  }));
}

/** The columns of a comparison that names its kernels. */
function namedKernels(listed: string, overrides: ReadonlyMap<string, string>): readonly LabelledKernel[] {
  const kernels = listed
    .split(",")
    .map((expression) => applyOverrides(parseKernel(expression), overrides, expression));
  const names = kernels.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ChronovisorError(`--kernels: ${twice} is named twice`);
  if (kernels.length < 2) throw new ChronovisorError(`--kernels: expected two or more, got "${listed}"`);
  return kernels.map((kernel) => ({ label: kernel.name, kernel }));
}

/** Runs a scenario on the kernels the options ask for, or on `columns` when they name none. */
export async function compareScenario(
  context: CliContext,
  { scenario, params, seed, overrides, document }: Subject,
  { kernels: listed }: Pick<CompareOptions, "kernels">,
  columns: readonly ComparedKernel[] = scenario.comparison ?? beforeAndAfter(scenario),
): Promise<Comparison> {
  const kernels = listed === undefined ? ownKernels(columns, overrides) : namedKernels(listed, overrides);
  const shared = { params, seed, document, mode: "closed-form" } as const;
  const finished = await runColumns(context, `compare ${scenario.id}`, scenario, kernels, shared);
  return { ...finished, lengthNs: scenario.lengthNs(params as never) };
}
