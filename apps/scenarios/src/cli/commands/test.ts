import type { Command } from "commander";
import { testToJson } from "../../document/json.js";
import { type DocumentResult, judgeDocument } from "../../document/run-document.js";
import { ChronovisorError } from "../../errors.js";
import { renderJunit } from "../../render/junit.js";
import { renderTap } from "../../render/tap.js";
import { renderTestScreen } from "../../render/test-screen.js";
import type { CliContext } from "../context.js";
import { styleOf } from "../context.js";
import { readDocumentFile } from "../document-files.js";
import { EXIT } from "../exit-codes.js";
import { once } from "../options.js";
import { runJobs } from "../run-columns.js";
import { addExamples } from "../scenario-help.js";

const REPORTERS = ["screen", "tap", "junit"] as const;

interface TestOptions {
  readonly reporter?: string;
  readonly json?: true;
}

function reporterOf({ reporter = "screen" }: TestOptions): (typeof REPORTERS)[number] {
  const found = REPORTERS.find((name) => name === reporter);
  if (found !== undefined) return found;
  throw new ChronovisorError(`--reporter: expected one of ${REPORTERS.join(", ")}, got "${reporter}"`);
}

async function test(context: CliContext, files: readonly string[], options: TestOptions): Promise<void> {
  const reporter = reporterOf(options);
  const documents = files.map((file) => readDocumentFile(file, context.scenarios));
  const results = await runJobs(
    context,
    "test",
    documents.map(({ scenario, kernel, params, seed, source: document }) => ({
      scenario: scenario.id,
      kernel,
      params,
      seed,
      document,
      mode: "closed-form",
    })),
  );
  const judged = documents.flatMap((document, i) => {
    const result = results[i];
    return result === undefined ? [] : [judgeDocument(document, result)];
  });
  context.terminal.out(output(context, judged, reporter, options));
  context.done(
    judged.every(({ expectations }) => expectations.every(({ held }) => held)) ? EXIT.held : EXIT.broken,
  );
}

function output(
  context: CliContext,
  judged: readonly DocumentResult[],
  reporter: (typeof REPORTERS)[number],
  { json }: TestOptions,
): string {
  if (json) return `${JSON.stringify(testToJson(judged))}\n`;
  if (reporter === "tap") return renderTap(judged);
  if (reporter === "junit") return renderJunit(judged);
  return renderTestScreen(judged, styleOf(context), context.terminal.columns);
}

/** `chronovisor test`: documents as a test run. */
export function addTestCommand(program: Command, context: CliContext): void {
  const command = program
    .command("test")
    .summary("run scenario documents and check what they expect")
    .description(
      "Runs scenario documents and checks what each of them expects: a regression gate for a build. Exits 1 when an expectation does not hold.",
    )
    .argument("<files...>", "scenario documents, YAML or JSON")
    .option(
      "--reporter <name>",
      `how results are printed: ${REPORTERS.join(", ")} (default: screen)`,
      once("--reporter"),
    )
    .option("--json", "print the results as one JSON object and nothing else")
    .action((files: string[], options: TestOptions) => test(context, files, options));
  addExamples(command, [
    "chronovisor test late.yaml",
    "chronovisor test scenarios/*.yaml --reporter junit > results.xml",
  ]);
}
