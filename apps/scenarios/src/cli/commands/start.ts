import type { Command } from "commander";
import { allHeld, countHeld } from "../../render/expectations.js";
import { renderScreen } from "../../render/screen.js";
import { comparisonToJson, type JsonComparison } from "../../scenario/json.js";
import { beforeAndAfter, compareScenario } from "../compare-scenario.js";
import { type CliContext, styleOf } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { once } from "../options.js";
import { rememberRuns } from "../remember-runs.js";
import { DEFAULT_EVENTS } from "../report-exports.js";
import { checkReportDirectory, DEFAULT_DIRECTORY, writeReport } from "../report-files.js";
import { reportRequests, reportStories } from "../report-stories.js";
import { addExamples } from "../scenario-help.js";
import { scenarioSubject } from "../subject.js";

interface StartOptions {
  readonly json?: true;
  readonly out?: string;
}

async function start(base: CliContext, { json, out = DEFAULT_DIRECTORY }: StartOptions): Promise<void> {
  const context = rememberRuns(base);
  if (json === undefined) checkReportDirectory(out);
  const { terminal, scenarios } = context;
  const style = styleOf(context);
  const comparisons: JsonComparison[] = [];
  const verdicts: string[] = [];
  let everythingHeld = true;
  for (const scenario of scenarios) {
    const { columns, wallMs, lengthNs } = await compareScenario(
      context,
      scenarioSubject(scenario, {}),
      {},
      beforeAndAfter(scenario),
    );
    const results = columns.map(({ result }) => result);
    const held = allHeld(results);
    everythingHeld &&= held;
    const sign = held ? style.held("✓") : style.broken("✗");
    const found = held ? "" : `not as expected (${countHeld(results)}): `;
    verdicts.push(
      `  ${sign} ${found}${scenario.id}: ${results.map((result) => scenario.verdict(result, result.kernel)).join("; ")}`,
    );
    if (json) comparisons.push(comparisonToJson(scenario.id, results));
    else {
      const screen = renderScreen(scenario, columns, { width: terminal.columns, style, lengthNs, wallMs });
      terminal.out(`${style.heading(scenario.id)}\n${screen}\n`);
    }
  }
  if (json) terminal.out(`${JSON.stringify({ comparisons })}\n`);
  else {
    terminal.out(`${verdicts.join("\n")}\n`);
    const stories = await reportStories(context, reportRequests(context, [], {}));
    const { page } = await writeReport(context, out, stories, DEFAULT_EVENTS);
    terminal.out(`\n  report  ${page}\n`);
  }
  context.done(everythingHeld ? EXIT.held : EXIT.broken);
}

/** `chronovisor start`: every scenario before and after its fix. */
export function addStartCommand(program: Command, context: CliContext): void {
  const command = program
    .command("start")
    .summary("run every scenario, before and after its fix")
    .description(
      "Runs every scenario at its defaults before and after its fix; ends with a line for each, and with the report that `chronovisor report` writes.",
    )
    .option("--out <directory>", `where the report is written (default: ${DEFAULT_DIRECTORY})`, once("--out"))
    .option("--json", "print the exact results as one JSON object and nothing else; no report is written")
    .action((options: StartOptions) => start(context, options));
  addExamples(command, ["chronovisor start", "chronovisor start --json > results.json"]);
}
