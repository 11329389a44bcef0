/** The runs of a report: each story side by side as `compare` has it, and its first figure split as `explain` does. */
import { ChronovisorError } from "../errors.js";
import type { Explanation } from "../explain/explain.js";
import { axisNames } from "../kernels/kernels.js";
import type { Story } from "../render/html/story.js";
import type { ScenarioDefinition } from "../scenario/types.js";
import { compareScenario } from "./compare-scenario.js";
import type { CliContext } from "./context.js";
import { explainScenario } from "./explain-scenario.js";
import type { SharedOptions } from "./options.js";
import { scenarioSubject } from "./subject.js";

/** The scenarios of a report that names none. */
export function featuredScenarios({ scenarios }: CliContext): readonly ScenarioDefinition[] {
  return scenarios.filter(({ featured }) => featured);
}

/** What a setting is called: `duration` of `duration=10m`. */
const nameOf = (setting: string): string => setting.slice(0, Math.max(0, setting.indexOf("="))).trim();

/** Whether a scenario can take a setting; a behaviour of the kernel every one can. */
function takes({ params }: ScenarioDefinition, name: string): boolean {
  return Object.hasOwn(params, name) || axisNames.includes(name);
}

/** The options as one of several scenarios takes them: a setting that only others have is not for it. */
function optionsFor(
  scenario: ScenarioDefinition,
  scenarios: readonly ScenarioDefinition[],
  options: SharedOptions,
): SharedOptions {
  const isForIt = (name: string): boolean =>
    takes(scenario, name) || !scenarios.some((other) => takes(other, name));
  const { set, duration, ...rest } = options;
  return {
    ...rest,
    ...(set === undefined ? {} : { set: set.filter((setting) => isForIt(nameOf(setting))) }),
    ...(duration === undefined || !isForIt("duration") ? {} : { duration }),
  };
}

/** A word of a command line as a shell takes it for one. */
function quoted(word: string): string {
  return /^[\w=.,:+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function commandOf(scenario: ScenarioDefinition, { set = [], duration, seed }: SharedOptions): string {
  const words = [
    "compare",
    scenario.id,
    ...set.flatMap((setting) => ["--set", setting]),
    ...(duration === undefined ? [] : ["--duration", duration]),
    ...(seed === undefined ? [] : ["--seed", seed]),
    "--json",
  ];
  return ["chronovisor", ...words.map(quoted)].join(" ");
}

/** The split of a scenario's first figure, where it has one and these parameters measure it. */
async function explanationOf(
  context: CliContext,
  scenario: ScenarioDefinition,
  options: SharedOptions,
): Promise<Explanation | undefined> {
  if (scenario.budgets === undefined) return undefined;
  try {
    return await explainScenario(context, scenario, options);
  } catch (error) {
    // The comparison ran with the same settings: what is refused now is only that there is nothing to split.
    if (error instanceof ChronovisorError) return undefined;
    throw error;
  }
}

/** Runs what a report on `scenarios` shows, one scenario after the other. */
export async function reportStories(
  context: CliContext,
  scenarios: readonly ScenarioDefinition[],
  options: SharedOptions,
): Promise<readonly Story[]> {
  // All of them are read before the first is run: a wrong setting is no reason to wait.
  const requests = scenarios.map((scenario) => {
    const own = optionsFor(scenario, scenarios, options);
    return { scenario, own, subject: scenarioSubject(scenario, own) };
  });
  const stories: Story[] = [];
  for (const { scenario, own, subject } of requests) {
    const { columns, lengthNs } = await compareScenario(context, subject, {});
    const explanation = await explanationOf(context, scenario, own);
    stories.push({
      scenario,
      columns,
      lengthNs,
      ...(explanation === undefined ? {} : { explanation }),
      command: commandOf(scenario, own),
      resultFile: `${scenario.id}.json`,
    });
  }
  return stories;
}
