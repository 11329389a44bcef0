import { Command } from "commander";
import { version } from "../../package.json";
import { addBisectCommand } from "./commands/bisect.js";
import { addCalcCommand } from "./commands/calc.js";
import { addCompareCommand } from "./commands/compare.js";
import { addConformCommand } from "./commands/conform.js";
import { addExplainCommand } from "./commands/explain.js";
import { addExplainTraceCommand } from "./commands/explain-trace.js";
import { addExportCommand } from "./commands/export.js";
import { addKernelsCommand } from "./commands/kernels.js";
import { addListCommand } from "./commands/list.js";
import { addReportCommand } from "./commands/report.js";
import { addRunCommand } from "./commands/run.js";
import { addSchemaCommand } from "./commands/schema.js";
import { addShowCommand } from "./commands/show.js";
import { addStartCommand } from "./commands/start.js";
import { addTestCommand } from "./commands/test.js";
import type { CliContext } from "./context.js";
import { addExamples } from "./scenario-help.js";

const HELP_WIDTH = 80;

/** The command line: every command, printing to the context and throwing where commander would end the process. */
export function createProgram(context: CliContext): Command {
  const program = new Command("chronovisor")
    .description("Replays how guest clocks and timers go wrong on KVM, and how each kernel fix mends them.")
    .version(version)
    .exitOverride()
    .configureHelp({ helpWidth: HELP_WIDTH })
    .configureOutput({ writeOut: context.terminal.out, writeErr: () => {} });
  addListCommand(program, context);
  addKernelsCommand(program, context);
  addRunCommand(program, context);
  addCompareCommand(program, context);
  addBisectCommand(program, context);
  addExplainCommand(program, context);
  addExplainTraceCommand(program, context);
  addExportCommand(program, context);
  addShowCommand(program, context);
  addTestCommand(program, context);
  addSchemaCommand(program, context);
  addReportCommand(program, context);
  addStartCommand(program, context);
  addCalcCommand(program, context);
  addConformCommand(program, context);
  addExamples(program, ["chronovisor compare periodic-drift", "chronovisor run periodic-drift --help"]);
  program.addHelpText(
    "after",
    "\nExit codes: 0 everything expected held, 1 an expectation did not hold, 2 the\nrequest was wrong, 70 a bug in chronovisor, 130 interrupted.",
  );
  return program;
}
