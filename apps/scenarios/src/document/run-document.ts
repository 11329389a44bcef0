import { meets } from "../scenario/condition.js";
import type { Expectation, RunResult } from "../scenario/types.js";
import { formatQuantity } from "../units/format-quantity.js";
import type { DocumentExpectation, ReadDocument } from "./read-document.js";

/** A run of a document: its scenario's result, and what its own expectations came to. */
export interface DocumentResult {
  readonly document: ReadDocument;
  readonly result: RunResult;
  readonly expectations: readonly Expectation[];
}

/** Judges a document's own expectations on what its run measured. */
export function judgeDocument(document: ReadDocument, result: RunResult): DocumentResult {
  return { document, result, expectations: document.expect.map((each) => judge(each, result)) };
}

function judge({ text, conditions }: DocumentExpectation, { observations }: RunResult): Expectation {
  const got = conditions.map(({ observation }) => {
    const quantity = observations[observation];
    return quantity === undefined ? "not measured" : formatQuantity(quantity.value, quantity.unit);
  });
  return {
    text,
    held: conditions.every((condition) => meets(condition, observations)),
    expected: text,
    got: got.join(", "),
    reason: "the document expects it",
  };
}
