import type { RunResult } from "../scenario/types.js";

/** One run on a screen: the result and what a reader calls it. */
export interface Column {
  /** `before`, `after`, or the release where kernels were named. */
  readonly label: string;
  readonly result: RunResult;
}

/** A release without its overrides: what fits over a column. Overrides get a line of their own. */
export function shortKernel(kernel: string): string {
  const [release = kernel, ...overrides] = kernel.split(" + ");
  return overrides.length === 0 ? release : `${release} + ${overrides.length}`;
}

/** A column in one phrase: `before v4.16`, or `v4.16` where that is its label. */
function columnName({ label, result }: Column): string {
  return label === result.kernel ? shortKernel(label) : `${label} ${shortKernel(result.kernel)}`;
}

/** Names of the columns, with the overrides spelled out where two would read the same. */
export function columnNames(columns: readonly Column[]): readonly string[] {
  const short = columns.map(columnName);
  return columns.map((column, index) => {
    const name = short[index] ?? column.label;
    return short.filter((other) => other === name).length > 1 ? column.result.kernel : name;
  });
}
