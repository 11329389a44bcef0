import type { Command } from "commander";
import { allHeld } from "../../render/expectations.js";
import { renderScreen } from "../../render/screen.js";
import { comparisonToJson } from "../../scenario/json.js";
import { type CompareOptions, compareScenario } from "../compare-scenario.js";
import { type CliContext, styleOf } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { addSharedOptions, once } from "../options.js";
import { addExamples, addScenarioHelp } from "../scenario-help.js";
import { subjectOf } from "../subject.js";

async function compare(context: CliContext, id: string, options: CompareOptions): Promise<void> {
  const subject = subjectOf(context, id, options);
  const { scenario } = subject;
  const { columns, wallMs, lengthNs } = await compareScenario(context, subject, options);
  const results = columns.map(({ result }) => result);
  if (options.json) context.terminal.out(`${JSON.stringify(comparisonToJson(scenario.id, results))}\n`);
  else {
    const { columns: width } = context.terminal;
    context.terminal.out(
      renderScreen(scenario, columns, { width, style: styleOf(context), lengthNs, wallMs }),
    );
  }
  context.done(allHeld(results) ? EXIT.held : EXIT.broken);
}

/** `chronovisor compare`: one scenario on several kernels, side by side. */
export function addCompareCommand(program: Command, context: CliContext): void {
  const command = program
    .command("compare")
    .summary("run a scenario on several kernels, side by side")
    .description(
      "Runs a scenario on several kernels, those of its story or those named, and marks what differs.",
    )
    .argument("<scenario>", "one of those `chronovisor list` shows, or the path of a document (.yaml, .json)")
    .option(
      "--kernels <a,b,…>",
      "releases to compare, each with overrides after + (default: the story's, before and after a fix for most)",
      once("--kernels"),
    );
  addSharedOptions(command).action((id: string, options: CompareOptions) => compare(context, id, options));
  addScenarioHelp(command, context);
  addExamples(command, [
    "chronovisor compare periodic-drift --duration 10m",
    "chronovisor compare periodic-drift --kernels v4.16,v4.17,v6.19 --json",
  ]);
}
