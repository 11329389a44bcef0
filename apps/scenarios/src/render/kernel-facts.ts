/** Which kernels ran, and the behaviours by which they differ: what a comparison is about. */
import { differingAxes } from "../scenario/json.js";
import { type Column, columnKeys, columnLabels, columnNames } from "./column.js";
import { NO_BREAK } from "./wrap.js";

/** A word that heads a line, and what follows it. */
export type Fact = readonly [label: string, text: string];

/** What `v4.16 + tdcr=immediate` changes in its release. */
const overridesOf = (kernel: string): readonly string[] => kernel.split(" + ").slice(1);

const releaseOf = (kernel: string): string => kernel.split(" + ")[0] ?? kernel;

/** The release that every column overrides in its own way, if there is one and the labels do not say so already. */
export function commonRelease(columns: readonly Column[]): string | undefined {
  const releases = new Set(columns.map(({ result }) => releaseOf(result.kernel)));
  const named = columns.every(({ label, result }) => label !== result.kernel);
  return columns.length > 2 && named && releases.size === 1 ? [...releases][0] : undefined;
}

/** Kernels that a column's head has no room to spell out. */
function kernelFacts(columns: readonly Column[], differing: readonly string[]): readonly Fact[] {
  const [only] = columns;
  if (only === undefined) return [];
  if (columns.length === 1) return [["kernel", only.result.kernel]];
  const shared = overridesOf(only.result.kernel).filter((override) =>
    columns.every(({ result }) => overridesOf(result.kernel).includes(override)),
  );
  const labels = columnLabels(columns);
  const own = columns.flatMap(({ label, result }, place) => {
    const rest = overridesOf(result.kernel).filter((override) => !shared.includes(override));
    // Under words of its own, a column that differs in nothing but what is listed below needs no line here.
    const listed =
      columns.length > 2 && rest.every((override) => differing.includes(override.split("=")[0] ?? ""));
    if (rest.length === 0 || (listed && label !== result.kernel)) return [];
    return [`${labels[place] ?? label}: ${result.kernel}`];
  });
  const release = commonRelease(columns);
  const lines = [
    ...(release === undefined ? [] : [release]),
    ...(shared.length === 0 ? [] : [`every column with ${shared.join(" + ")}`]),
    ...own,
  ];
  return lines.map((text, index) => [index === 0 ? "kernel" : "", text] as const);
}

/** From this many on, columns next to each other are named by the first and the last. */
const RANGE_FROM = 3;

/** Names of the columns at `places`: `v4.10, v4.17 to v6.7`. */
function namesOf(places: readonly number[], names: readonly string[]): string {
  const runs: number[][] = [];
  for (const place of places) {
    const run = runs.at(-1);
    if (run !== undefined && run.at(-1) === place - 1) run.push(place);
    else runs.push([place]);
  }
  return runs
    .flatMap((run) => {
      const named = run.map((place) => names[place] ?? "");
      return run.length < RANGE_FROM ? named : [`${named[0]} to ${named.at(-1)}`];
    })
    .join(", ");
}

/** Values of one axis: an arrow between two runs; over more, each value once with the runs that have it. */
function axisValuesOf(axis: string, columns: readonly Column[]): string {
  const values = columns.map(({ result }) => result.axes[axis] ?? "");
  if (values.length === 2) return values.join(" → ");
  const { keys, kind } = columnKeys(columns);
  // `v4.16 + 1` stays in one piece; a scenario's own words may be too long for that.
  const names =
    kind === "words" ? keys : columnNames(columns).map((name) => name.replace(/ (?=\+|\d|\()/g, NO_BREAK));
  return [...new Set(values)]
    .map((value) => {
      const places = values.flatMap((other, place) => (other === value ? [place] : []));
      return `${value} (${namesOf(places, names)})`;
    })
    .join(", ");
}

/** Axes a reader needs to hear of: those that play a part in the story, and those that somebody set. */
export function heardOf(
  differing: readonly string[],
  columns: readonly Column[],
  playing: readonly string[] | undefined,
): readonly string[] {
  if (playing === undefined) return differing;
  const set = columns.flatMap(({ result }) =>
    overridesOf(result.kernel).map((override) => override.split("=")[0] ?? ""),
  );
  return differing.filter((axis) => playing.includes(axis) || set.includes(axis));
}

/**
 * What ran, line by line.
 *
 * @param playing - the axes that play a part in the scenario; absent, every one may.
 */
export function renderKernels(columns: readonly Column[], playing?: readonly string[]): readonly Fact[] {
  const differing = differingAxes(columns.map(({ result }) => result));
  const heard = heardOf(differing, columns, playing);
  const behaviours = heard.map((axis) => `${axis}: ${axisValuesOf(axis, columns)}`);
  const others = differing.length - heard.length;
  if (others > 0) behaviours.push(`and ${others} more that ${others === 1 ? "plays" : "play"} no part here`);
  const lines = behaviours.map((text, index) => [index === 0 ? "differ in" : "", text] as const);
  return [...kernelFacts(columns, differing), ...lines];
}
