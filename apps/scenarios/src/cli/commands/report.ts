import type { Command } from "commander";
import { ChronovisorError } from "../../errors.js";
import { allHeld, countHeld } from "../../render/expectations.js";
import type { Story } from "../../render/html/story.js";
import type { Style } from "../../render/style.js";
import type { ScenarioDefinition } from "../../scenario/types.js";
import { type CliContext, scenarioNamed, styleOf } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { addSharedOptions, once, type SharedOptions } from "../options.js";
import { rememberRuns } from "../remember-runs.js";
import { checkReportDirectory, DEFAULT_DIRECTORY, writeReport } from "../report-files.js";
import { featuredScenarios, reportStories } from "../report-stories.js";
import { addExamples } from "../scenario-help.js";

interface ReportOptions extends SharedOptions {
  readonly out?: string;
}

function scenariosNamed(context: CliContext, ids: readonly string[]): readonly ScenarioDefinition[] {
  const twice = ids.find((id, place) => ids.indexOf(id) !== place);
  if (twice !== undefined) throw new ChronovisorError(`report: ${twice} is named twice`);
  return ids.length === 0 ? featuredScenarios(context) : ids.map((id) => scenarioNamed(context, id));
}

const heldIn = ({ columns }: Story): boolean => allHeld(columns.map(({ result }) => result));

function storyLine(story: Story, style: Style): string {
  const sign = heldIn(story) ? style.held("✓") : style.broken("✗");
  return `  ${sign} ${story.scenario.id}: ${countHeld(story.columns.map(({ result }) => result))}\n`;
}

async function report(base: CliContext, ids: readonly string[], options: ReportOptions): Promise<void> {
  const context = rememberRuns(base);
  const { out = DEFAULT_DIRECTORY, ...settings } = options;
  const scenarios = scenariosNamed(context, ids);
  checkReportDirectory(out);
  const stories = await reportStories(context, scenarios, settings);
  const written = await writeReport(context, out, stories);
  const held = stories.every(heldIn);
  const style = styleOf(context);
  context.terminal.out(
    options.json
      ? `${JSON.stringify({ ...written, held })}\n`
      : `${stories.map((story) => storyLine(story, style)).join("")}\n  report  ${written.page}\n`,
  );
  context.done(held ? EXIT.held : EXIT.broken);
}

/** `chronovisor report`: scenarios as a page that can be carried away. */
export function addReportCommand(program: Command, context: CliContext): void {
  const listed = (scenarios: readonly ScenarioDefinition[]): string =>
    scenarios.map(({ id }) => id).join(", ");
  const command = program
    .command("report")
    .summary("write scenarios as one HTML page, with the exact results beside it")
    .description(
      `Runs scenarios as \`compare\` does, splits the first figure of each as \`explain\` does, and writes one page that needs no network and no script: ${DEFAULT_DIRECTORY}/index.html, with the bytes of \`compare --json\` beside it. Files of other names are left alone. A setting is for every scenario that has it.`,
    )
    .argument(
      "[scenarios...]",
      `those \`chronovisor list\` shows (default: ${listed(featuredScenarios(context))})`,
    )
    .option("--out <directory>", `where to write it (default: ${DEFAULT_DIRECTORY})`, once("--out"));
  addSharedOptions(command).action((named: string[], options: ReportOptions) =>
    report(context, named, options),
  );
  addExamples(command, [
    "chronovisor report",
    "chronovisor report periodic-drift --set duration=1m --out drift",
  ]);
}
