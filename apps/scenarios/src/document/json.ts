import type { DocumentResult } from "./run-document.js";

/** What `test --json` prints. */
export interface JsonTest {
  readonly passed: number;
  readonly failed: number;
  readonly documents: ReadonlyArray<{
    readonly file: string;
    readonly title: string | null;
    readonly scenario: string;
    readonly kernel: string;
    readonly expectations: ReadonlyArray<{
      readonly text: string;
      readonly held: boolean;
      readonly got: string;
    }>;
  }>;
}

/** Results of documents, JSON-safe. */
export function testToJson(results: readonly DocumentResult[]): JsonTest {
  const all = results.flatMap(({ expectations }) => expectations);
  const failed = all.filter(({ held }) => held !== true).length;
  return {
    passed: all.length - failed,
    failed,
    documents: results.map(({ document, result, expectations }) => ({
      file: document.name,
      title: document.title ?? null,
      scenario: document.scenario.id,
      kernel: result.kernel,
      expectations: expectations.map(({ text, held, got }) => ({ text, held: held === true, got })),
    })),
  };
}
