import type { Command } from "commander";
import { allHeld } from "../../render/expectations.js";
import { renderScreen } from "../../render/screen.js";
import { runToJson } from "../../scenario/json.js";
import { addKernelOptions, chosenKernel, type KernelOptions } from "../chosen-kernel.js";
import { type CliContext, styleOf } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { addSharedOptions, type SharedOptions } from "../options.js";
import { runColumns } from "../run-columns.js";
import { addExamples, addScenarioHelp } from "../scenario-help.js";
import { subjectOf } from "../subject.js";

interface RunOptions extends SharedOptions, KernelOptions {
  readonly stepped?: true;
}

async function run(context: CliContext, id: string, options: RunOptions): Promise<void> {
  const subject = subjectOf(context, id, options);
  const { scenario, params, seed, document } = subject;
  const labelled = chosenKernel(subject, options);
  const { columns, wallMs } = await runColumns(context, `run ${scenario.id}`, scenario, [labelled], {
    params,
    seed,
    document,
    mode: options.stepped ? "stepped" : "closed-form",
  });
  const results = columns.map(({ result }) => result);
  if (options.json) {
    context.terminal.out(results.map((result) => `${JSON.stringify(runToJson(result))}\n`).join(""));
  } else {
    const { columns: width } = context.terminal;
    const lengthNs = scenario.lengthNs(params as never);
    context.terminal.out(
      renderScreen(scenario, columns, { width, style: styleOf(context), lengthNs, wallMs }),
    );
  }
  context.done(allHeld(results) ? EXIT.held : EXIT.broken);
}

/** `chronovisor run`: one scenario on one kernel. */
export function addRunCommand(program: Command, context: CliContext): void {
  const command = program
    .command("run")
    .summary("run a scenario on one kernel")
    .description("Runs a scenario on one kernel and prints what it measured and what held.")
    .argument(
      "<scenario>",
      "one of those `chronovisor list` shows, or the path of a document (.yaml, .json)",
    );
  addKernelOptions(command);
  addSharedOptions(command)
    .option("--stepped", "catch up callback by callback instead of in closed form: same result, much slower")
    .action((id: string, options: RunOptions) => run(context, id, options));
  addScenarioHelp(command, context);
  addExamples(command, [
    "chronovisor run periodic-drift --variant before --duration 1m",
    "chronovisor run periodic-drift --kernel v4.16 --set period=500us --json",
  ]);
}
