import { type Condition, meets } from "../scenario/condition.js";
import type { Expectation, Quantity } from "../scenario/types.js";
import { formatQuantity } from "../units/format-quantity.js";

/** One expectation of a document: all of its conditions must hold. */
export interface DocumentExpectation {
  readonly text: string;
  readonly conditions: readonly Condition[];
}

/** What a document expects, judged on what a run measured. */
export function judgeExpectation(
  { text, conditions }: DocumentExpectation,
  observations: Readonly<Record<string, Quantity | undefined>>,
): Expectation & { readonly held: boolean } {
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
