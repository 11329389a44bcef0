import type { Command } from "commander";
import { ChronovisorError, didYouMean } from "../../errors.js";
import { newestRelease, parseKernel } from "../../kernels/kernels.js";
import { allHeld } from "../../render/expectations.js";
import { renderScreen } from "../../render/screen.js";
import { runToJson } from "../../scenario/json.js";
import type { ScenarioDefinition } from "../../scenario/types.js";
import { type CliContext, styleOf } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { addSharedOptions, applyOverrides, once, type SharedOptions } from "../options.js";
import { type LabelledKernel, runColumns } from "../run-columns.js";
import { addExamples, addScenarioHelp } from "../scenario-help.js";
import { refuseBesideDocument, type Subject, subjectOf } from "../subject.js";

interface RunOptions extends SharedOptions {
  readonly kernel?: string;
  readonly variant?: string;
  readonly stepped?: true;
}

function expressionOf(scenario: ScenarioDefinition, { kernel, variant }: RunOptions): string {
  if (variant === undefined) return kernel ?? newestRelease;
  if (kernel !== undefined)
    throw new ChronovisorError("--variant: --kernel names a kernel too; give one of them");
  if (variant === "before" || variant === "after") return scenario.variants[variant];
  throw new ChronovisorError(
    `--variant: expected before or after, got "${variant}"${didYouMean(variant, ["before", "after"])}`,
  );
}

/** The kernel to run on, and what its column is called. */
function kernelFor(subject: Subject, options: RunOptions): LabelledKernel {
  const { kernel: documented, scenario, overrides } = subject;
  if (documented !== undefined) {
    refuseBesideDocument({ "--kernel": options.kernel, "--variant": options.variant });
    return { label: documented.name, kernel: documented };
  }
  const expression = expressionOf(scenario, options);
  const kernel = applyOverrides(parseKernel(expression), overrides, options.kernel);
  return { label: options.variant ?? kernel.name, kernel };
}

async function run(context: CliContext, id: string, options: RunOptions): Promise<void> {
  const subject = subjectOf(context, id, options);
  const { scenario, params, seed, document } = subject;
  const labelled = kernelFor(subject, options);
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
    .argument("<scenario>", "one of those `chronovisor list` shows, or the path of a document (.yaml, .json)")
    .option(
      "--kernel <release>",
      `run as this release, with overrides after +: "v4.16 + tdcr=immediate" (default: ${newestRelease})`,
      once("--kernel"),
    )
    .option("--variant <name>", "run as the scenario's kernel before or after the fix", once("--variant"));
  addSharedOptions(command)
    .option("--stepped", "catch up callback by callback instead of in closed form: same result, much slower")
    .action((id: string, options: RunOptions) => run(context, id, options));
  addScenarioHelp(command, context);
  addExamples(command, [
    "chronovisor run periodic-drift --variant before --duration 1m",
    "chronovisor run periodic-drift --kernel v4.16 --set period=500us --json",
  ]);
}
