import type { Command } from "commander";
import { type ConformCommandOptions, conformCommand } from "../../conform/command.js";
import type { CliContext } from "../context.js";
import { each, once } from "../options.js";
import { addExamples } from "../scenario-help.js";

/** `chronovisor conform`: golden vectors replayed through the packages. */
export function addConformCommand(program: Command, context: CliContext): void {
  const command = program
    .command("conform")
    .summary("replay golden vectors recorded from the kernel")
    .description(
      "Replays rows recorded from the kernel's own functions through the packages and counts those that agree.",
    )
    .option(
      "--data <dir>",
      "replay the files of this directory (default: the vectors shipped)",
      once("--data"),
    )
    .option("--area <names>", "only these areas, separated by commas; repeatable", each)
    .option("--strict", "fail on a file that no replay covers")
    .option("--json", "print the report as one JSON object and nothing else")
    .action(async (options: ConformCommandOptions) => {
      const io = { stdout: { write: context.terminal.out } };
      context.done(await conformCommand(options, io));
    });
  addExamples(command, ["chronovisor conform", "chronovisor conform --area lapic --strict"]);
}
