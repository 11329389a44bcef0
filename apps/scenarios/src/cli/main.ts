import { CommanderError } from "commander";
import { ChronovisorError, unknownName } from "../errors.js";
import type { CliContext } from "./context.js";
import { EXIT } from "./exit-codes.js";
import { createProgram } from "./program.js";

/** Thrown out of a run that Ctrl-C ended. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** commander's words on one line, in the form of ours: `unknown command 'rum' (did you mean run?)`. */
function requestLine(error: CommanderError): string {
  return error.message
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ")
    .replace("(Did you mean", "(did you mean")
    .trim();
}

/** Codes by which commander says that it printed what was asked for. */
const PRINTED = new Set(["commander.helpDisplayed", "commander.help", "commander.version"]);

function failure(error: unknown, context: Pick<CliContext, "terminal">): number {
  const { err } = context.terminal;
  if (error instanceof Interrupted) return EXIT.interrupted;
  if (error instanceof CommanderError) {
    if (PRINTED.has(error.code)) return EXIT.held;
    err(`chronovisor: ${requestLine(error)}\n`);
    return EXIT.request;
  }
  if (error instanceof ChronovisorError) {
    // One line whatever was quoted: a name with a line break in it must not become two.
    err(`chronovisor: ${error.message.replace(/\s*\n\s*/g, " ")}\n`);
    return EXIT.request;
  }
  err(
    `chronovisor: internal error, please report it\n${error instanceof Error ? error.stack : String(error)}\n`,
  );
  return EXIT.internal;
}

/**
 * Carries out one command line and returns the code to exit with; never throws and never ends the process.
 *
 * @param args - without the program's own name
 */
export async function main(args: readonly string[], base: Omit<CliContext, "done">): Promise<number> {
  let exitCode: number = EXIT.held;
  const context: CliContext = {
    ...base,
    done: (code) => {
      exitCode = code;
    },
  };
  const program = createProgram(context);
  try {
    if (args.length === 0) program.outputHelp();
    else await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    // `help` of an unknown command: commander prints its help as an error, and not what the error is.
    if (error instanceof CommanderError && error.code === "commander.help" && error.exitCode !== 0) {
      const names = program.commands.map((command) => command.name());
      return failure(unknownName("help", args[args.length - 1] ?? "", names), context);
    }
    return failure(error, context);
  }
}
