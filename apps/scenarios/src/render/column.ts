import type { RunResult } from "../scenario/types.js";

/** One run on a screen: the result and what a reader calls it. */
export interface Column {
  /** `before`, `after`, a scenario's own words, or the kernel where kernels were named. */
  readonly label: string;
  readonly result: RunResult;
}

/** A release without its overrides: what fits over a column. Overrides get a line of their own. */
export function shortKernel(kernel: string): string {
  const [release = kernel, ...overrides] = kernel.split(" + ");
  return overrides.length === 0 ? release : `${release} + ${overrides.length}`;
}

const isKernel = ({ label, result }: Column): boolean => label === result.kernel;

/** `a` for the first column, `b` for the second: stands for a column that words would be too long for. */
export function letterOf(place: number): string {
  return String.fromCharCode("a".charCodeAt(0) + place);
}

/** What each column is called over its values: its label, or its kernel, told apart by a letter where two are alike. */
export function columnLabels(columns: readonly Column[]): readonly string[] {
  const labels = columns.map((column) => (isKernel(column) ? shortKernel(column.label) : column.label));
  return labels.map((label, place) =>
    labels.indexOf(label) === labels.lastIndexOf(label)
      ? label
      : `${label.replace(/ \+ \d+$/, "")} (${letterOf(place)})`,
  );
}

/** Columns in one phrase each: `before v4.16`, or `v4.16` where that is its label. */
export function columnPhrases(columns: readonly Column[]): readonly string[] {
  const labels = columnLabels(columns);
  return columns.map((column, place) => {
    const label = labels[place] ?? column.label;
    return isKernel(column) ? label : `${label} ${shortKernel(column.result.kernel)}`;
  });
}

/** What prose calls the columns: a phrase each for two, the label alone where there are more to be told apart. */
export function columnNames(columns: readonly Column[]): readonly string[] {
  return columns.length > 2 ? columnLabels(columns) : columnPhrases(columns);
}

/** A word longer than this is no key. */
const MAX_KEY = 6;

/** Marks that stand for the columns in little room. */
export interface ColumnKeys {
  readonly keys: readonly string[];
  /** Words are known from the labels they begin; letters have to be explained. */
  readonly kind: "words" | "letters";
}

/** The first words of the labels, `M0`, `v4.16`, `before`, where they are short and tell the columns apart; or letters. */
export function columnKeys(columns: readonly Column[]): ColumnKeys {
  const words = columnLabels(columns).map((label) => label.split(" ")[0] ?? label);
  const tellApart = new Set(words).size === words.length && words.every((word) => word.length <= MAX_KEY);
  return tellApart
    ? { keys: words, kind: "words" }
    : { keys: columns.map((_, place) => letterOf(place)), kind: "letters" };
}
