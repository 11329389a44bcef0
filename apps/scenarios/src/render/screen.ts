/**
 * What a person sees of one run, or of several runs of one scenario side by side: the story, what was run, the numbers,
 * one plot, what held and why. Pure: results in, text out.
 */

import type { ScenarioDefinition, Source } from "../scenario/types.js";
import { formatExact } from "../units/format-exact.js";
import { groupThousands } from "../units/group-thousands.js";
import { type Column, columnKeys, columnNames } from "./column.js";
import { renderExpectations } from "./expectations.js";
import { type Histogram, renderHistogram } from "./histogram.js";
import { type Fact, renderKernels } from "./kernel-facts.js";
import { renderObservations } from "./observations.js";
import { renderParams } from "./params.js";
import { type PlotLine, renderPlot } from "./plot.js";
import { renderTables } from "./result-tables.js";
import type { Style } from "./style.js";
import { hang, wrap } from "./wrap.js";

/** What a screen says of a scenario; its parameters and code are not needed. */
export type ScreenScenario = Pick<
  ScenarioDefinition,
  | "id"
  | "title"
  | "story"
  | "axes"
  | "fix"
  | "sources"
  | "params"
  | "observe"
  | "plot"
  | "histogram"
  | "verdict"
>;

export interface ScreenOptions {
  /** Columns of the terminal. */
  readonly width: number;
  readonly style: Style;
  /** Time simulated per run. */
  readonly lengthNs: bigint;
  /** What the runs took on this machine, for a person only; absent, nothing is said of it. */
  readonly wallMs?: number;
}

const INDENT = 2;
/** Width of the words that head a line: `params`, `sources`. */
const LABEL = 10;
/** Nothing is laid out for less: the rest of a line is left to the terminal. */
const MIN_WIDTH = 40;
/** Lines of prose longer than this are hard to read, however wide the terminal. */
const PROSE_WIDTH = 80;

function header(scenario: ScreenScenario, width: number, style: Style): readonly string[] {
  const { title, fix } = scenario;
  const room = width - title.length - fix.length;
  const top =
    room >= 2
      ? [style.heading(title) + " ".repeat(room) + style.aside(fix)]
      : [...wrap(title, width).map(style.heading), ...wrap(fix, width).map(style.aside)];
  return [...top, ...wrap(scenario.story, width)];
}

/** `316 times real time`: two digits, since it is of this machine and this minute. */
function speed(simulatedNs: bigint, wallMs: number): string {
  const factor = BigInt(Math.round(Number(simulatedNs) / 1e6 / Math.max(wallMs, 1)));
  const quantum = 10n ** BigInt(Math.max(0, factor.toString().length - 2));
  return factor >= 2n ? `, ${groupThousands((factor / quantum) * quantum)} times real time` : "";
}

function whatRan(columns: readonly Column[], { lengthNs, wallMs }: ScreenOptions): string {
  const runs = columns.length > 1 ? `${columns.length} × ` : "";
  const took =
    wallMs === undefined
      ? ""
      : ` in ${(wallMs / 1000).toFixed(1)} s${speed(lengthNs * BigInt(columns.length), wallMs)}`;
  return `${runs}${formatExact(lengthNs, "ns")} simulated${took}, seed ${columns[0]?.result.seed ?? 0}`;
}

function source({ title, commit, url }: Source): string {
  return [commit === undefined ? title : `${commit} ${title}`, ...(url === undefined ? [] : [url])].join(" ");
}

/** A scenario's headline table shows what it marks so; a scenario that marks nothing shows all. */
function shownObservations(scenario: ScreenScenario): readonly string[] {
  const names = Object.keys(scenario.observe);
  const headlines = names.filter((name) => scenario.observe[name]?.headline);
  return headlines.length === 0 ? names : headlines;
}

/** The series called `plot` of every run that has it. */
function plotLines(plot: string | undefined, columns: readonly Column[]): readonly PlotLine[] {
  const names = columnNames(columns);
  const { keys } = columnKeys(columns);
  return columns.flatMap(({ result }, place) => {
    const series = plot === undefined ? undefined : result.series[plot];
    const label = names[place] ?? "";
    return series === undefined ? [] : [{ label, key: keys[place] ?? label, series }];
  });
}

/** The distribution called `histogram` of every run that has it. */
function histograms(histogram: string | undefined, columns: readonly Column[]): readonly Histogram[] {
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

function next(id: string): string {
  return `chronovisor run ${id} --help lists its parameters; --json gives every figure exactly`;
}

/** Sections with an empty line between them; empty ones take no room. */
function join(sections: ReadonlyArray<readonly string[]>): string {
  return sections
    .filter((section) => section.length > 0)
    .map((section) => section.map((line) => (line === "" ? "" : " ".repeat(INDENT) + line)).join("\n"))
    .join("\n\n");
}

/**
 * The screen of one or more runs of a scenario, ending in a newline.
 *
 * @param columns - in the order they are shown; a cell that differs from the first column's is marked `≠`
 * @throws RangeError when there is no column
 */
export function renderScreen(
  scenario: ScreenScenario,
  columns: readonly Column[],
  options: ScreenOptions,
): string {
  const [first] = columns;
  if (first === undefined) throw new RangeError("renderScreen: expected at least one column, got none");
  const { style } = options;
  const width = Math.max(options.width, MIN_WIDTH) - INDENT;
  const prose = Math.min(width, PROSE_WIDTH - INDENT);
  const names = columnNames(columns);
  const facts: readonly Fact[] = [
    ...renderParams(scenario.params, first.result.params),
    ...renderKernels(columns, scenario.axes),
    ["run", whatRan(columns, options)],
  ];
  const verdicts = columns.map(({ label, result }) =>
    // Before and after are told by their kernels; the columns of a longer comparison by what they are called.
    scenario.verdict(result, columns.length > 2 ? label : result.kernel),
  );
  return `${join([
    header(scenario, prose, style),
    facts.flatMap(([label, text]) => hang(label, text, LABEL, prose)),
    renderObservations(scenario.observe, shownObservations(scenario), columns, width, style),
    renderPlot(plotLines(scenario.plot, columns), prose, style),
    renderHistogram(histograms(scenario.histogram, columns), width, style),
    renderTables(columns, names, width, style),
    renderExpectations(columns, prose, style),
    verdicts.flatMap((text, index) => hang(index === 0 ? "verdict" : "", text, LABEL, prose)),
    scenario.sources.flatMap((one, index) => hang(index === 0 ? "sources" : "", source(one), LABEL, prose)),
    hang("next", next(scenario.id), LABEL, prose),
  ])}\n`;
}
