import type { Command } from "commander";
import { bisect as findChange, type Measure } from "../../bisect/bisect.js";
import { bisectToJson } from "../../bisect/json.js";
import { renderBisection } from "../../render/bisection.js";
import { type CliContext, styleOf } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { addSharedOptions, once, type SharedOptions } from "../options.js";
import { runColumns } from "../run-columns.js";
import { addExamples, addScenarioHelp } from "../scenario-help.js";
import { subjectOf } from "../subject.js";

interface BisectOptions extends SharedOptions {
  readonly observe?: string;
  readonly good?: string;
  readonly bad?: string;
  readonly until?: string;
}

async function bisect(context: CliContext, id: string, options: BisectOptions): Promise<void> {
  const { scenario, params, seed, overrides, document } = subjectOf(context, id, options);
  const measure: Measure = async (kernels) => {
    const labelled = kernels.map((kernel) => ({ label: kernel.name, kernel }));
    const { columns } = await runColumns(context, `bisect ${scenario.id}`, scenario, labelled, {
      params,
      seed,
      document,
      mode: "closed-form",
    });
    return columns.map(({ result }) => result);
  };
  const result = await findChange({ scenario, ...options, overrides }, measure);
  context.terminal.out(
    options.json
      ? `${JSON.stringify(bisectToJson(result))}\n`
      : renderBisection(scenario, result, styleOf(context), context.terminal.columns),
  );
  context.done(result.changes.length > 0 ? EXIT.held : EXIT.broken);
}

/** `chronovisor bisect`: which commit changed what a scenario observes. */
export function addBisectCommand(program: Command, context: CliContext): void {
  const command = program
    .command("bisect")
    .summary("find the commit that changed an observation")
    .description(
      "Walks the table of kernels between two of them, commit by commit, and names the one after which an observation is another: by halving while every kernel tried gives the value of one end or the other, by trying all of them once one does not.",
    )
    .argument("<scenario>", "one of those `chronovisor list` shows, or the path of a document (.yaml, .json)")
    .option(
      "--observe <name>",
      "the observation to watch (default: the scenario's headline)",
      once("--observe"),
    )
    .option("--good <release>", "a kernel that is right (default: the scenario's after)", once("--good"))
    .option("--bad <release>", "a kernel that is wrong (default: the scenario's before)", once("--bad"))
    .option(
      "--until <condition>",
      'find what made this hold instead: "late <= 10ns", several joined by &&',
      once("--until"),
    );
  addSharedOptions(command).action((id: string, options: BisectOptions) => bisect(context, id, options));
  addScenarioHelp(command, context);
  addExamples(command, [
    "chronovisor bisect long-stop",
    'chronovisor bisect pinned-timer --bad v4.5 --good v7.3 --until "max < 10us"',
  ]);
}
