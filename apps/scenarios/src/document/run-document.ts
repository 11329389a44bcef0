import type { Expectation, RunResult } from "../scenario/types.js";
import { judgeExpectation } from "./expectation.js";
import type { ReadDocument } from "./read-document.js";

/** A run of a document: its scenario's result, and what its own expectations came to. */
export interface DocumentResult {
  readonly document: ReadDocument;
  readonly result: RunResult;
  readonly expectations: readonly Expectation[];
}

/** Judges a document's own expectations on what its run measured. */
export function judgeDocument(document: ReadDocument, result: RunResult): DocumentResult {
  const expectations = document.expect.map((each) => judgeExpectation(each, result.observations));
  return { document, result, expectations };
}
