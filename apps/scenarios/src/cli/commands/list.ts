import type { Command } from "commander";
import { paramMeta } from "../../params/param-meta.js";
import { allowedInput, defaultInput } from "../../render/param-help.js";
import { hang } from "../../render/wrap.js";
import type { ScenarioDefinition } from "../../scenario/types.js";
import { type CliContext, styleOf } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { addExamples } from "../scenario-help.js";

interface ListOptions {
  readonly json?: true;
}

/** What `--json` says of a parameter: everything as it would be typed. */
function paramToJson(scenario: ScenarioDefinition): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(scenario.params).map(([name, schema]) => {
      const meta = paramMeta(schema);
      return [
        name,
        {
          unit: meta.kind === "quantity" ? meta.unit : "name",
          default: defaultInput(meta),
          allowed: meta.kind === "choice" ? meta.values : allowedInput(meta),
          help: meta.help,
        },
      ];
    }),
  );
}

function listJson(scenarios: readonly ScenarioDefinition[]): string {
  const entries = scenarios.map((scenario) => ({
    id: scenario.id,
    title: scenario.title,
    story: scenario.story,
    fix: scenario.fix,
    variants: scenario.variants,
    ...(scenario.comparison === undefined ? {} : { comparison: scenario.comparison }),
    params: paramToJson(scenario),
    observations: scenario.observe,
    sources: scenario.sources,
  }));
  return `${JSON.stringify({ scenarios: entries })}\n`;
}

function listScreen({ scenarios, terminal }: CliContext, heading: (text: string) => string): string {
  const width = Math.min(terminal.columns, 80);
  const blocks = scenarios.map(({ id, title, fix, story }) =>
    [heading(id), ...hang("", `${title} (${fix})`, 2, width), ...hang("", story, 2, width)].join("\n"),
  );
  return `${blocks.join("\n\n")}\n`;
}

/** `chronovisor list`: the scenarios there are. */
export function addListCommand(program: Command, context: CliContext): void {
  const command = program
    .command("list")
    .summary("list the scenarios")
    .description("Lists the scenarios: what each replays and which commit mended it.")
    .option("--json", "print everything known of each scenario, parameters included, as one JSON object")
    .action(({ json }: ListOptions) => {
      context.terminal.out(
        json ? listJson(context.scenarios) : listScreen(context, styleOf(context).heading),
      );
      context.done(EXIT.held);
    });
  addExamples(command, ["chronovisor list", "chronovisor list --json"]);
}
