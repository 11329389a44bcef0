import type { ScenarioDefinition } from "../scenario/types.js";
import type { Column } from "./column.js";

/** What each run shows in a sentence: two are told apart by their kernels, more by what their columns are called. */
export function verdictsOf(
  { verdict }: Pick<ScenarioDefinition, "verdict">,
  columns: readonly Column[],
): readonly string[] {
  return columns.map(({ label, result }) => verdict(result, columns.length > 2 ? label : result.kernel));
}
