import type { Command } from "commander";
import { explanationToJson } from "../../explain/json.js";
import { renderExplanation } from "../../render/explanation.js";
import { type CliContext, scenarioNamed, styleOf } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { type ExplainOptions, explainScenario } from "../explain-scenario.js";
import { addSharedOptions, once } from "../options.js";
import { addExamples, addScenarioHelp } from "../scenario-help.js";

async function explain(context: CliContext, id: string, options: ExplainOptions): Promise<void> {
  const scenario = scenarioNamed(context, id);
  const explanation = await explainScenario(context, scenario, options);
  context.terminal.out(
    options.json
      ? `${JSON.stringify(explanationToJson(explanation))}\n`
      : renderExplanation(scenario, explanation, styleOf(context), context.terminal.columns),
  );
  context.done(EXIT.held);
}

/** `chronovisor explain`: what an observation is made of. */
export function addExplainCommand(program: Command, context: CliContext): void {
  const command = program
    .command("explain")
    .summary("split an observation into its causes")
    .description(
      "Splits what a scenario observes into its causes: each rounding, rate, gap and cost is made ideal in turn, in a fixed order, and what that changes is its share. The shares and what is left sum to the total; a second column has the effect of each alone.",
    )
    .argument("<scenario>", "one of those `chronovisor list` shows")
    .option("--observe <name>", "the observation to split (default: the scenario's first)", once("--observe"))
    .option("--kernel <release>", "run as this release (default: the scenario's before)", once("--kernel"));
  addSharedOptions(command).action((id: string, options: ExplainOptions) => explain(context, id, options));
  addScenarioHelp(command, context);
  addExamples(command, [
    "chronovisor explain xen-accuracy",
    "chronovisor explain xen-accuracy --observe driftPerDay --json",
  ]);
}
