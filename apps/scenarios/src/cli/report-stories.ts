/** The runs of a report: each story side by side as `compare` has it, and its first figure split as `explain` does. */
import { parse } from "node:path";
import { ChronovisorError } from "../errors.js";
import type { Explanation } from "../explain/explain.js";
import { axisNames, parseKernel } from "../kernels/kernels.js";
import type { Column } from "../render/column.js";
import type { Story } from "../render/html/story.js";
import type { ComparedKernel, ScenarioDefinition } from "../scenario/types.js";
import { beforeAndAfter, compareScenario } from "./compare-scenario.js";
import { type CliContext, scenarioNamed } from "./context.js";
import { isDocumentPath } from "./document-files.js";
import { explainScenario } from "./explain-scenario.js";
import type { SharedOptions } from "./options.js";
import type { ReportedRun } from "./report-exports.js";
import { shellLine } from "./shell-words.js";
import { type Subject, subjectOf } from "./subject.js";

/** A story of a report, with what its runs are written from. */
export interface ReportedStory {
  readonly story: Story;
  /** What its files are called, without extension. */
  readonly stem: string;
  /** One per column. */
  readonly runs: readonly ReportedRun[];
}

/** What a report is asked for. */
export interface ReportRequest {
  /** The story's name, or the document's path. */
  readonly argument: string;
  /** What the story's files are called, without extension. */
  readonly stem: string;
  /** The options that are for it. */
  readonly own: SharedOptions;
  readonly subject: Subject;
}

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

/** The options as typed words. */
function settingWords({ set = [], duration, seed }: SharedOptions): readonly string[] {
  return [
    ...set.flatMap((setting) => ["--set", setting]),
    ...(duration === undefined ? [] : ["--duration", duration]),
    ...(seed === undefined ? [] : ["--seed", seed]),
  ];
}

/** What a file is called after, of a document: its own name, as far as a file of any system may have it. */
function stemOf(argument: string): string {
  return isDocumentPath(argument) ? parse(argument).name.replace(/[^\w.-]+/g, "-") : argument;
}

/**
 * What a report is asked for, all of it read before the first is run: a wrong setting is no reason to wait.
 *
 * @param named - stories by name and documents by path; the featured stories where there are none.
 * @throws ChronovisorError for what cannot be run, or is named twice
 */
export function reportRequests(
  context: CliContext,
  named: readonly string[],
  options: SharedOptions,
): readonly ReportRequest[] {
  const all = named.length > 0 ? named : featuredScenarios(context).map(({ id }) => id);
  const stems = all.map(stemOf);
  const twice = stems.find((stem, place) => stems.indexOf(stem) !== place);
  if (twice !== undefined) throw new ChronovisorError(`report: ${twice} is named twice`);
  const stories = all.flatMap((name) => (isDocumentPath(name) ? [] : [scenarioNamed(context, name)]));
  return all.map((argument) => {
    const story = stories.find(({ id }) => id === argument);
    // Beside stories a setting is for those; documents alone refuse it.
    const besideDocument = stories.length > 0 ? {} : options;
    const own = story === undefined ? besideDocument : optionsFor(story, stories, options);
    return { argument, stem: stemOf(argument), own, subject: subjectOf(context, argument, own) };
  });
}

/** The columns of a story or document: a document that compares nothing is run on the kernel it names. */
function columnsOf({ scenario, kernel }: Subject): readonly ComparedKernel[] {
  if (scenario.comparison !== undefined) return scenario.comparison;
  return kernel === undefined ? beforeAndAfter(scenario) : [{ label: kernel.name, kernel: kernel.name }];
}

/** The split of a scenario's first figure, where it has one and these parameters measure it. */
async function explanationOf(
  context: CliContext,
  { subject: { scenario, kernel }, own }: ReportRequest,
): Promise<Explanation | undefined> {
  if (scenario.budgets === undefined || kernel !== undefined) return undefined;
  try {
    return await explainScenario(context, scenario, own);
  } catch (error) {
    // The comparison ran with the same settings: what is refused now is only that there is nothing to split.
    if (error instanceof ChronovisorError) return undefined;
    throw error;
  }
}

/** The run of a column, to be written beside the page, and the command that writes all of it. */
function runOf({ argument, own, subject }: ReportRequest, { label, result }: Column): ReportedRun {
  const { scenario, params, seed, document, kernel } = subject;
  const chosen = kernel === undefined ? ["--kernel", result.kernel] : [];
  return {
    label,
    job: {
      scenario: scenario.id,
      kernel: parseKernel(result.kernel),
      params,
      seed,
      document,
      mode: "closed-form",
    },
    command: ["chronovisor", "export", argument, ...chosen, ...settingWords(own)],
  };
}

/** Runs what a report shows, one story after the other. */
export async function reportStories(
  context: CliContext,
  requests: readonly ReportRequest[],
): Promise<readonly ReportedStory[]> {
  const stories: ReportedStory[] = [];
  for (const request of requests) {
    const { argument, stem, own, subject } = request;
    const { scenario } = subject;
    const { columns, lengthNs } = await compareScenario(context, subject, {}, columnsOf(subject));
    const explanation = await explanationOf(context, request);
    const story: Story = {
      scenario,
      columns,
      lengthNs,
      ...(explanation === undefined ? {} : { explanation }),
      command: shellLine([
        "chronovisor",
        columns.length > 1 ? "compare" : "run",
        argument,
        ...settingWords(own),
        "--json",
      ]),
      resultFile: `${stem}.json`,
    };
    stories.push({ story, stem, runs: columns.map((column) => runOf(request, column)) });
  }
  return stories;
}
