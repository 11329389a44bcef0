import { ChronovisorError, unknownName } from "../errors.js";
import { type KernelChoice, parseKernel, withOverride } from "../kernels/kernels.js";
import { type Condition, meets, parseConditions } from "../scenario/condition.js";
import type { Quantity, RunResult, ScenarioDefinition } from "../scenario/types.js";
import { isOlder, kernelAlong, pathBetween, type Step } from "./path.js";
import { type SearchKind, searchChange } from "./search.js";

/** What to look for, and between which kernels. */
export interface BisectQuestion {
  readonly scenario: ScenarioDefinition;
  /** The observation that is watched; its scenario's headline by default. */
  readonly observe?: string;
  /** A kernel that is right and one that is wrong, in either order of age; the scenario's own by default. */
  readonly good?: string;
  readonly bad?: string;
  /** What must come to hold, in place of any change of the observation. */
  readonly until?: string;
  /** Behaviours every kernel on the way has, whatever its release does. */
  readonly overrides?: ReadonlyMap<string, string>;
}

/** A kernel on the way, and what was seen on it. */
export interface BisectPoint {
  readonly kernel: KernelChoice;
  /** The step that led here; undefined at the start. */
  readonly step: Step | undefined;
  /** What was measured; undefined where no run was needed. */
  readonly seen: Seen | undefined;
}

/** What a run on one kernel showed. */
export interface Seen {
  readonly quantity: Quantity | undefined;
  /** Whether the condition held; undefined without one. */
  readonly holds: boolean | undefined;
}

/** A step after which the observation was another. */
export interface BisectChange {
  readonly step: Step;
  readonly before: Seen;
  readonly after: Seen;
}

/** Where it changed. */
export interface BisectResult {
  readonly scenario: string;
  readonly observe: string;
  readonly until: string | undefined;
  readonly from: KernelChoice;
  readonly to: KernelChoice;
  readonly search: SearchKind;
  readonly runs: number;
  /** Every kernel on the way, oldest first. */
  readonly points: readonly BisectPoint[];
  /** Empty where nothing changed. The first is the answer. */
  readonly changes: readonly BisectChange[];
}

/** Runs the scenario on some kernels. */
export type Measure = (kernels: readonly KernelChoice[]) => Promise<readonly RunResult[]>;

/**
 * Finds the commit after which what a scenario observes is another: walks the kernel table from the older of two kernels to
 * the newer, inside a release commit by commit, and then what no release has.
 *
 * @param question - see {@link BisectQuestion}.
 * @param measure - runs the scenario; called with all kernels at once where several are needed.
 * @throws ChronovisorError for an unknown observation, kernel or condition, two kernels between which nothing of this scenario
 * changed, or a condition that holds at the older kernel or not at the newer.
 */
export async function bisect(question: BisectQuestion, measure: Measure): Promise<BisectResult> {
  const { scenario, until } = question;
  const conditions = until === undefined ? [] : readCondition(until, scenario);
  const observe = question.observe ?? conditions[0]?.observation ?? scenario.headline;
  if (scenario.observe[observe] === undefined) {
    throw unknownName("observe", observe, Object.keys(scenario.observe));
  }
  const [from, to] = kernelsOf(question);
  const steps = relevantSteps(scenario, from, to);
  const kernels = [from, ...steps.map((_, i) => kernelAlong(from, steps, i + 1))];
  const look = async (points: readonly number[]): Promise<readonly Seen[]> => {
    const results = await measure(points.map((point) => kernels[point] ?? to));
    return results.map(({ observations }) => ({
      quantity: observations[observe],
      holds:
        until === undefined ? undefined : conditions.every((condition) => meets(condition, observations)),
    }));
  };
  const same = (a: Seen, b: Seen): boolean =>
    until === undefined ? a.quantity?.value === b.quantity?.value : a.holds === b.holds;
  const { kind, values, changes } = await searchChange(steps.length, look, same);
  if (until !== undefined) checkEnds(until, from, to, values.get(0), values.get(steps.length));
  const at = (point: number): Seen => values.get(point) as Seen;
  return {
    scenario: scenario.id,
    observe,
    until,
    from,
    to,
    search: kind,
    runs: values.size,
    points: kernels.map((kernel, i) => ({ kernel, step: steps[i - 1], seen: values.get(i) })),
    changes: changes.map((point) => ({
      step: steps[point - 1] as Step,
      before: at(point - 1),
      after: at(point),
    })),
  };
}

function readCondition(until: string, { observe }: ScenarioDefinition): readonly Condition[] {
  try {
    return parseConditions(until, observe);
  } catch (error) {
    if (error instanceof ChronovisorError) throw new ChronovisorError(`until: ${error.message}`);
    throw error;
  }
}

/** The older kernel and the newer one, with what every kernel has: a commit that changes nothing of it is no step. */
function kernelsOf({
  scenario,
  good,
  bad,
  overrides = new Map(),
}: BisectQuestion): readonly [KernelChoice, KernelChoice] {
  const { before, after } = scenario.variants;
  const kernel = (name: string): KernelChoice =>
    [...overrides].reduce((choice, [axis, value]) => withOverride(choice, axis, value), parseKernel(name));
  const a = kernel(bad ?? before);
  const b = kernel(good ?? after);
  return isOlder(a, b) ? [a, b] : [b, a];
}

/** The steps that play a part in the scenario; the others change nothing it can see. */
function relevantSteps(scenario: ScenarioDefinition, from: KernelChoice, to: KernelChoice): readonly Step[] {
  const { axes } = scenario;
  const path = pathBetween(from, to);
  const steps =
    axes === undefined ? path : path.filter(({ moves }) => moves.some(({ axis }) => axes.includes(axis)));
  if (steps.length > 0) return steps;
  throw new ChronovisorError(
    `bisect: expected two kernels that differ in what ${scenario.id} looks at, got ${from.name} and ${to.name}`,
  );
}

function checkEnds(
  until: string,
  from: KernelChoice,
  to: KernelChoice,
  first: Seen | undefined,
  last: Seen | undefined,
): void {
  if (first?.holds === true) {
    throw new ChronovisorError(
      `until: expected "${until}" not to hold on ${from.name}, the older kernel, but it does`,
    );
  }
  if (last?.holds !== true) {
    throw new ChronovisorError(
      `until: expected "${until}" to hold on ${to.name}, the newer kernel, but it does not`,
    );
  }
}
