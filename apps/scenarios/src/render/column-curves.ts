/** What runs side by side have to draw: the series and the distributions of one name, under what the runs are called. */
import { type Column, columnKeys, columnNames } from "./column.js";
import type { Histogram } from "./histogram.js";
import type { PlotLine } from "./plot-frame.js";

/** The series called `plot` of every run that has it. */
export function plotLines(plot: string | undefined, columns: readonly Column[]): readonly PlotLine[] {
  const names = columnNames(columns);
  const { keys } = columnKeys(columns);
  return columns.flatMap(({ result }, place) => {
    const series = plot === undefined ? undefined : result.series[plot];
    const label = names[place] ?? "";
    return series === undefined ? [] : [{ label, key: keys[place] ?? label, series }];
  });
}

/** The distribution called `histogram` of every run that has it. */
export function histograms(histogram: string | undefined, columns: readonly Column[]): readonly Histogram[] {
  const names = columnNames(columns);
  const { keys, kind } = columnKeys(columns);
  return columns.flatMap(({ result }, place) => {
    const distribution = histogram === undefined ? undefined : result.distributions[histogram];
    const name = names[place] ?? "";
    return distribution === undefined
      ? []
      : [{ label: name, key: kind === "words" ? (keys[place] ?? name) : name, distribution }];
  });
}
