import { ChronovisorError, unknownName } from "../errors.js";
import { type KernelChoice, withOverride } from "../kernels/kernels.js";
import { parseParams } from "../params/parse-params.js";
import type { Budget, BudgetTerm, RunResult, ScenarioDefinition, Unit } from "../scenario/types.js";

/** A run that an explanation needs. */
export interface ExplainRun {
  readonly kernel: KernelChoice;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Runs the scenario as often as asked; results come in the order of the requests. */
export type MeasureRuns = (runs: readonly ExplainRun[]) => Promise<readonly RunResult[]>;

/** One cause and its share. */
export interface Share {
  readonly term: BudgetTerm;
  /** What taking it away changes, once those before it are gone: these sum to the total. */
  readonly share: bigint;
  /** What taking it away alone changes. */
  readonly alone: bigint;
}

/** An observation split into its causes. */
export interface Explanation {
  readonly scenario: string;
  readonly kernel: string;
  readonly observation: string;
  readonly unit: Unit;
  readonly total: bigint;
  readonly shares: readonly Share[];
  /** What is left without any of them, and what that is. */
  readonly rest: bigint;
  readonly restTitle: string;
  /** Over how long it built up, ns, where it is a drift. */
  readonly overNs: bigint | undefined;
}

/** What to explain. */
export interface ExplainQuestion {
  readonly scenario: ScenarioDefinition;
  /** One of the scenario's budgets; the first by default. */
  readonly observe?: string;
  readonly kernel: KernelChoice;
  /** As typed, by name. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** The budget for an observation. @throws ChronovisorError naming those there are */
function budgetFor({ id, budgets = [] }: ScenarioDefinition, observe: string | undefined): Budget {
  const [first] = budgets;
  if (first === undefined) throw new ChronovisorError(`explain: ${id} has no budget to split its figures by`);
  if (observe === undefined) return first;
  const found = budgets.find(({ observation }) => observation === observe);
  if (found !== undefined) return found;
  throw unknownName(
    "observe",
    observe,
    budgets.map(({ observation }) => observation),
  );
}

/**
 * Splits what a scenario observes into its causes: takes them away one after the other and sees what each changes, and then
 * each alone. The shares and what is left sum to the total, because each is the difference of two runs that follow each other.
 *
 * @throws ChronovisorError for an observation without a budget, or one this run does not measure.
 */
export async function explain(question: ExplainQuestion, measure: MeasureRuns): Promise<Explanation> {
  const { scenario, kernel, inputs } = question;
  const budget = budgetFor(scenario, question.observe);
  const { terms, observation } = budget;
  const without = (gone: readonly BudgetTerm[]): ExplainRun => ({
    kernel: gone.reduce(idealKernel, kernel),
    params: parseParams(scenario.params, gone.reduce(idealInputs, inputs)),
  });
  const runs = [
    ...terms.map((_, i) => without(terms.slice(0, i + 1))),
    ...terms.map((term) => without([term])),
  ];
  const results = await measure([without([]), ...runs]);
  const [value, ...others] = results.map((result) => numberOf(result, observation, scenario.id));
  const total = value ?? 0n;
  const cumulative = others.slice(0, terms.length);
  const alone = others.slice(terms.length);
  return {
    scenario: scenario.id,
    kernel: kernel.name,
    observation,
    unit: scenario.observe[observation]?.unit ?? "count",
    total,
    shares: terms.map((term, i) => ({
      term,
      share: (i === 0 ? total : (cumulative[i - 1] ?? 0n)) - (cumulative[i] ?? 0n),
      alone: total - (alone[i] ?? 0n),
    })),
    rest: cumulative.at(-1) ?? total,
    restTitle: budget.rest,
    overNs:
      budget.over === undefined || results[0] === undefined
        ? undefined
        : numberOf(results[0], budget.over, scenario.id),
  };
}

function idealKernel(kernel: KernelChoice, { ideal }: BudgetTerm): KernelChoice {
  return Object.entries(ideal.axes ?? {}).reduce(
    (choice, [axis, value]) => withOverride(choice, axis, value),
    kernel,
  );
}

function idealInputs(
  inputs: Readonly<Record<string, string>>,
  { ideal }: BudgetTerm,
): Readonly<Record<string, string>> {
  return { ...inputs, ...ideal.params };
}

function numberOf({ observations, kernel }: RunResult, name: string, id: string): bigint {
  const value = observations[name]?.value;
  if (typeof value === "bigint") return value;
  throw new ChronovisorError(`explain: ${id} measures no ${name} on ${kernel} with these parameters`);
}
