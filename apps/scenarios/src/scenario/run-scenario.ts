import type { KernelChoice } from "../kernels/kernels.js";
import { TraceOrder } from "../machine/trace/trace-order.js";
import { paramInput } from "../params/param-input.js";
import { paramMeta } from "../params/param-meta.js";
import { paramQuantities } from "../params/parse-params.js";
import type {
  Expectation,
  Measured,
  ParamShape,
  ParamValues,
  Quantity,
  RunHooks,
  RunResult,
  ScenarioDefinition,
  StoryHooks,
} from "./types.js";

export interface RunRequest<S extends ParamShape = ParamShape> {
  readonly kernel: KernelChoice;
  /** Every parameter, parsed. */
  readonly params: ParamValues<S>;
  readonly seed: number;
  readonly hooks?: RunHooks;
}

function observationsOf(
  definition: ScenarioDefinition,
  measured: Measured,
): Record<string, Quantity | undefined> {
  const observations: Record<string, Quantity | undefined> = {};
  for (const [name, { unit, optional }] of Object.entries(definition.observe)) {
    const value = measured.observations[name];
    if (value === undefined && !optional) {
      throw new Error(`${definition.id}: the run did not measure ${name}`);
    }
    observations[name] = value === undefined ? undefined : { value, unit };
  }
  return observations;
}

/** The hooks as the story has them; `traces` is where the traces it opens are kept. */
function storyHooks<S extends ParamShape>(
  { id, params: shape }: ScenarioDefinition<S>,
  { kernel, params, seed, hooks = {} }: RunRequest<S>,
  traces: TraceOrder[],
): StoryHooks {
  const { trace, ...others } = hooks;
  if (trace === undefined) return others;
  const inputs = Object.entries(shape).map(([name, schema]) => [
    name,
    paramInput(paramMeta(schema), params[name]),
  ]);
  const run = { scenario: id, kernel: kernel.name, params: Object.fromEntries(inputs), seed };
  return {
    ...others,
    openTrace: (machine) => {
      const sink = trace({ ...run, ...machine });
      if (sink === undefined) return undefined;
      const order = new TraceOrder(sink);
      traces.push(order);
      return order;
    },
  };
}

/**
 * Runs one scenario on one kernel. A pure function of its arguments: the hooks see the run but do not change it.
 *
 * @throws whatever `hooks.signal` was aborted with.
 */
export function runScenario<S extends ParamShape>(
  definition: ScenarioDefinition<S>,
  request: RunRequest<S>,
): RunResult {
  const { kernel, params, seed } = request;
  const traces: TraceOrder[] = [];
  const measured = definition.run({ params, kernel, seed, hooks: storyHooks(definition, request, traces) });
  for (const trace of traces) trace.flush();
  const judged = { params, axes: kernel.axes, measured };
  const expectations = definition.expect.map((spec): Expectation => {
    const stated = spec.applies?.(judged) ?? true;
    const { held, expected, got } = stated
      ? spec.judge(judged)
      : { held: undefined, expected: "stated for other parameters", got: "" };
    return { text: spec.text, held, expected, got, reason: spec.reason };
  });
  return {
    scenario: definition.id,
    kernel: kernel.name,
    axes: kernel.axes,
    params: paramQuantities(definition.params, params),
    seed,
    observations: observationsOf(definition as unknown as ScenarioDefinition, measured),
    series: measured.series,
    tables: measured.tables,
    distributions: measured.distributions ?? {},
    expectations,
  };
}
