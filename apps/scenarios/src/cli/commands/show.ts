import type { Command } from "commander";
import { printDocument } from "../../document/print-document.js";
import { newestRelease, parseKernel } from "../../kernels/kernels.js";
import { type CliContext, scenarioNamed } from "../context.js";
import { EXIT } from "../exit-codes.js";
import {
  addSharedOptions,
  applyOverrides,
  once,
  parseSeed,
  parseSettings,
  type SharedOptions,
} from "../options.js";
import { addExamples, addScenarioHelp } from "../scenario-help.js";

/** Where an editor finds the format of a document in a project that has chronovisor. */
const SCHEMA_PATH = "./node_modules/chronovisor/schema/scenario.schema.json";

interface ShowOptions extends SharedOptions {
  readonly kernel?: string;
}

function show(context: CliContext, id: string, options: ShowOptions): void {
  const scenario = scenarioNamed(context, id);
  const { params, overrides } = parseSettings(scenario, options);
  const kernel = applyOverrides(parseKernel(options.kernel ?? newestRelease), overrides, options.kernel);
  const run = { kernel, params, seed: parseSeed(options.seed) };
  context.terminal.out(printDocument(scenario, run, SCHEMA_PATH));
  context.done(EXIT.held);
}

/** `chronovisor show`: a built-in story as a document. */
export function addShowCommand(program: Command, context: CliContext): void {
  const command = program
    .command("show")
    .summary("print a scenario as a document")
    .description(
      "Prints a scenario as a YAML document with every parameter written out: to change, to keep, and to run with `chronovisor run` or `chronovisor test`. It runs to the same result as the scenario.",
    )
    .argument("<scenario>", "one of those `chronovisor list` shows")
    .option(
      "--kernel <release>",
      `as which release it is to run (default: ${newestRelease})`,
      once("--kernel"),
    );
  addSharedOptions(command).action((id: string, options: ShowOptions) => show(context, id, options));
  addScenarioHelp(command, context);
  addExamples(command, [
    "chronovisor show xen-accuracy --kernel v6.8 > late.yaml",
    "chronovisor show periodic-drift --set period=500us",
  ]);
}
