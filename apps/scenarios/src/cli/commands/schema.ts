import type { Command } from "commander";
import { documentJsonSchema } from "../../document/json-schema.js";
import type { CliContext } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { addExamples } from "../scenario-help.js";

/** `chronovisor schema`: the format of documents, for editors. */
export function addSchemaCommand(program: Command, context: CliContext): void {
  const command = program
    .command("schema")
    .summary("print the JSON Schema of scenario documents")
    .description(
      "Prints the JSON Schema of scenario documents, by which an editor completes and checks them.",
    )
    .action(() => {
      context.terminal.out(`${JSON.stringify(documentJsonSchema(), null, 2)}\n`);
      context.done(EXIT.held);
    });
  addExamples(command, ["chronovisor schema > scenario.schema.json"]);
}
