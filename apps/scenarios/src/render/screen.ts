/**
 * What a person sees of one run, or of several runs of one scenario side by side: the story, what was run, the numbers,
 * one plot, what held and why. Pure: results in, text out.
 */

import type { ScenarioDefinition, Source } from "../scenario/types.js";
import { formatExact } from "../units/format-exact.js";
import { groupThousands } from "../units/group-thousands.js";
import { type Column, columnNames } from "./column.js";
import { histograms, plotLines } from "./column-curves.js";
import { renderExpectations } from "./expectations.js";
import { renderHistogram } from "./histogram.js";
import { type Fact, renderKernels } from "./kernel-facts.js";
import { headlineObservations, renderObservations } from "./observations.js";
import { renderParams } from "./params.js";
import { renderPlot } from "./plot.js";
import { renderTables } from "./result-tables.js";
import type { Style } from "./style.js";
import { verdictsOf } from "./verdicts.js";
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

function next({ id, params }: ScreenScenario): string {
  if (Object.keys(params).length === 0) return `chronovisor run ${id} --json gives every figure exactly`;
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
  return `${join([
    header(scenario, prose, style),
    facts.flatMap(([label, text]) => hang(label, text, LABEL, prose)),
    renderObservations(scenario.observe, headlineObservations(scenario.observe), columns, width, style),
    renderPlot(plotLines(scenario.plot, columns), prose, style),
    renderHistogram(histograms(scenario.histogram, columns), width, style),
    renderTables(columns, names, width, style),
    renderExpectations(columns, prose, style),
    verdictsOf(scenario, columns).flatMap((text, index) =>
      hang(index === 0 ? "verdict" : "", text, LABEL, prose),
    ),
    scenario.sources.flatMap((one, index) => hang(index === 0 ? "sources" : "", source(one), LABEL, prose)),
    hang("next", next(scenario), LABEL, prose),
  ])}\n`;
}
