import type { Command } from "commander";
import { allHeld, countHeld } from "../../render/expectations.js";
import type { Story } from "../../render/html/story.js";
import type { Style } from "../../render/style.js";
import type { ScenarioDefinition } from "../../scenario/types.js";
import { type CliContext, styleOf } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { addSharedOptions, once, type SharedOptions } from "../options.js";
import { rememberRuns } from "../remember-runs.js";
import { DEFAULT_EVENTS, parseEvents } from "../report-exports.js";
import { checkReportDirectory, DEFAULT_DIRECTORY, reportToJson, writeReport } from "../report-files.js";
import { featuredScenarios, type ReportedStory, reportRequests, reportStories } from "../report-stories.js";
import { addExamples } from "../scenario-help.js";

interface ReportOptions extends SharedOptions {
  readonly out?: string;
  readonly events?: string;
}

const heldIn = ({ columns }: Story): boolean => allHeld(columns.map(({ result }) => result));

function storyLine({ story, stem }: ReportedStory, style: Style): string {
  const sign = heldIn(story) ? style.held("✓") : style.broken("✗");
  return `  ${sign} ${stem}: ${countHeld(story.columns.map(({ result }) => result))}\n`;
}

async function report(base: CliContext, named: readonly string[], options: ReportOptions): Promise<void> {
  const context = rememberRuns(base);
  const { out = DEFAULT_DIRECTORY, events: wanted, ...settings } = options;
  const events = parseEvents(wanted);
  const requests = reportRequests(context, named, settings);
  checkReportDirectory(out);
  const stories = await reportStories(context, requests);
  const written = await writeReport(context, out, stories, events);
  const held = stories.every(({ story }) => heldIn(story));
  const style = styleOf(context);
  context.terminal.out(
    options.json
      ? `${JSON.stringify({ ...reportToJson(written), held })}\n`
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
      `Runs scenarios as \`compare\` does, splits the first figure of each as \`explain\` does, and writes one page that needs no network and no script: ${DEFAULT_DIRECTORY}/index.html, with the bytes of \`compare --json\` beside it, and the first events of every run as a Perfetto trace, a kernel's log and a table of series. Files of other names are left alone. A setting is for every scenario that has it.`,
    )
    .argument(
      "[scenarios...]",
      `those \`chronovisor list\` shows, or paths of documents (default: ${listed(featuredScenarios(context))})`,
    )
    .option("--out <directory>", `where to write it (default: ${DEFAULT_DIRECTORY})`, once("--out"))
    .option(
      "--events <n>",
      `write so many events of each run, 0 for none (default: ${DEFAULT_EVENTS})`,
      once("--events"),
    );
  addSharedOptions(command).action((named: string[], options: ReportOptions) =>
    report(context, named, options),
  );
  addExamples(command, [
    "chronovisor report",
    "chronovisor report periodic-drift --set duration=1m --out drift",
  ]);
}
