import type { Command } from "commander";
import { axisNames } from "../../kernels/kernels.js";
import { kernelTableToJson, renderKernelTable } from "../../render/kernel-table.js";
import { type CliContext, scenarioNamed, styleOf } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { addExamples } from "../scenario-help.js";

interface KernelsOptions {
  readonly json?: true;
}

/** `chronovisor kernels`: what changed between kernel releases. */
export function addKernelsCommand(program: Command, context: CliContext): void {
  const command = program
    .command("kernels")
    .argument("[scenario]", "only what plays a part in this scenario")
    .summary("print what changed between kernel releases")
    .description(
      "Prints the table of kernels: each change of a behaviour with its release, its commit, the stable series that received it, what one observes, and how it is known; then what no release has of itself, such as proposals that are not merged, and what is not modelled. --kernel takes any release: one that is not named here behaves as the nearest older one that is.",
    )
    .option("--json", "print the table as one JSON object and nothing else")
    .action((id: string | undefined, { json }: KernelsOptions) => {
      const names = id === undefined ? axisNames : (scenarioNamed(context, id).axes ?? axisNames);
      context.terminal.out(
        json
          ? `${JSON.stringify(kernelTableToJson(names))}\n`
          : renderKernelTable(names, styleOf(context), Math.min(context.terminal.columns, 100)),
      );
      context.done(EXIT.held);
    });
  addExamples(command, ["chronovisor kernels xen-accuracy", "chronovisor kernels --json"]);
}
