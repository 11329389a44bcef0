import { Document } from "yaml";
import type { KernelChoice } from "../kernels/kernels.js";
import { paramInput } from "../params/param-input.js";
import { paramMeta } from "../params/param-meta.js";
import type { ScenarioDefinition } from "../scenario/types.js";
import { DOCUMENT_VERSION } from "./story-document.js";

/** What a story is printed with. */
export interface PrintedRun {
  readonly kernel: KernelChoice;
  readonly params: Readonly<Record<string, unknown>>;
  readonly seed: number;
}

/** Columns of a line: help that is longer goes on below. */
const WIDTH = 100;

/**
 * A built-in story as a document that runs to the same result: every parameter is written out, with what it means.
 *
 * @param schema - where an editor finds the format, for its completion.
 */
export function printDocument(scenario: ScenarioDefinition, run: PrintedRun, schema: string): string {
  const params = Object.fromEntries(
    Object.entries(scenario.params).map(([name, shape]) => [
      name,
      paramInput(paramMeta(shape), run.params[name]),
    ]),
  );
  const document = new Document({
    chronovisor: DOCUMENT_VERSION,
    title: scenario.title,
    scenario: scenario.id,
    kernel: run.kernel.name,
    seed: run.seed,
    params,
  });
  document.commentBefore = ` yaml-language-server: $schema=${schema}`;
  for (const [name, shape] of Object.entries(scenario.params)) {
    const value = document.getIn(["params", name], true);
    if (value !== undefined && typeof value === "object" && value !== null) {
      (value as { comment?: string }).comment = ` ${paramMeta(shape).help}`;
    }
  }
  return document.toString({ lineWidth: WIDTH });
}
