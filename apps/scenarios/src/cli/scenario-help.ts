import type { Command } from "commander";
import { axisNames } from "../kernels/kernels.js";
import { paramMeta } from "../params/param-meta.js";
import { defaultInput, renderParamHelp } from "../render/param-help.js";
import { hang, wrap } from "../render/wrap.js";
import type { ScenarioDefinition } from "../scenario/types.js";
import type { CliContext } from "./context.js";

const WIDTH = 80;
const indent = (line: string): string => `  ${line}`;

/** Examples under a command's options; help about one scenario has its own. */
export function addExamples(command: Command, lines: readonly string[]): void {
  const text = ["", "Examples:", ...lines.map(indent)].join("\n");
  const named = (args: readonly string[]): boolean => args.some((word) => !word.startsWith("-"));
  command.addHelpText("after", ({ command: asked }) => (named(asked.args) ? "" : text));
}

/** Two requests that work for any scenario: a parameter at its own default, and the exact result. */
function examples({ id, params }: ScenarioDefinition): readonly string[] {
  const settings = Object.entries(params).map(
    ([name, schema]) => `--set ${name}=${defaultInput(paramMeta(schema))}`,
  );
  return [`${id} ${settings[0] ?? ""}`.trim(), `${id} --json`];
}

/** What a plain `compare` sets side by side, where that is not before and after. */
function comparison({ comparison: columns = [] }: ScenarioDefinition): readonly string[] {
  return hang("Compared:", columns.map(({ label, kernel }) => `${label} (${kernel})`).join(", "), 10, WIDTH);
}

/**
 * Makes `--help` after a scenario's name list the parameters of that scenario, and without one say how to get there.
 *
 * @param examplesFor - requests that work for a scenario, behind the command's name.
 */
export function addScenarioHelp(
  command: Command,
  { scenarios }: CliContext,
  examplesFor: (scenario: ScenarioDefinition) => readonly string[] = examples,
): void {
  command.addHelpText("after", ({ command: asked }) => {
    const named = scenarios.find(({ id }) => id === asked.args[0]);
    if (named === undefined) {
      const ids = scenarios.map(({ id }) => id).join(", ");
      const help = `${asked.parent?.name()} ${asked.name()} <scenario> --help`;
      return ["", ...hang("Scenarios:", ids, 11, WIDTH), `Parameters of one: ${help}`].join("\n");
    }
    return [
      "",
      ...wrap(`Parameters of ${named.id}, for --set (a bare number is in the unit in brackets):`, WIDTH),
      ...renderParamHelp(named.params, WIDTH - 2).map(indent),
      "",
      "Behaviours of the kernel, for --set too (an unknown value is answered with all):",
      ...wrap(axisNames.join(", "), WIDTH - 2).map(indent),
      "",
      ...hang("Variants:", `before ${named.variants.before}, after ${named.variants.after}`, 10, WIDTH),
      ...comparison(named),
      "",
      "Examples:",
      ...examplesFor(named).map((line) => indent(`${asked.parent?.name()} ${asked.name()} ${line}`)),
    ].join("\n");
  });
}
