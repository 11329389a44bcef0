/** One story of a report: what it is, what ran, what came out, what was expected, and where it is from. */
import type { Explanation } from "../../explain/explain.js";
import type { ScenarioDefinition, Source } from "../../scenario/types.js";
import { formatExact } from "../../units/format-exact.js";
import type { Column } from "../column.js";
import { histograms, plotLines } from "../column-curves.js";
import { verdictsOf } from "../verdicts.js";
import { behaviourTable } from "./behaviour-table.js";
import { budgetChart } from "./budget-chart.js";
import { comparisonTable, differenceFoot } from "./comparison-table.js";
import { expectationTable } from "./expectation-table.js";
import { exportTable, type StoryExport } from "./export-table.js";
import { histogramChart } from "./histogram-chart.js";
import { lineChart } from "./line-chart.js";
import { type Child, element, type Html } from "./markup.js";
import { parameterTable } from "./parameter-table.js";
import { resultTables } from "./result-tables.js";

/** What a report says of a scenario; how it is run is not needed. */
export type ReportScenario = Pick<
  ScenarioDefinition,
  | "id"
  | "title"
  | "story"
  | "fix"
  | "sources"
  | "params"
  | "axes"
  | "observe"
  | "plot"
  | "histogram"
  | "verdict"
>;

/** A scenario with its runs. */
export interface Story {
  readonly scenario: ReportScenario;
  /** In the order they are shown; what differs is marked against the first. */
  readonly columns: readonly Column[];
  /** Time simulated per run. */
  readonly lengthNs: bigint;
  /** What its first figure is made of; absent where it has no budget, or measures none of it here. */
  readonly explanation?: Explanation;
  /** The command that gives the same figures. */
  readonly command: string;
  /** Name of the file beside the page that has the exact result. */
  readonly resultFile: string;
  /** What happened in its runs, in files beside the page; absent where none was written. */
  readonly exports?: readonly StoryExport[];
}

/** A part of a story under its heading; nothing where there is nothing to say. */
function section(title: string, ...parts: readonly Child[]): Html | undefined {
  const said = parts.flat().some((part) => part !== undefined);
  return said ? element("section", {}, element("h3", {}, title), ...parts) : undefined;
}

/** `main` first, then the others in the order of the runs. */
function keysOf(
  columns: readonly Column[],
  kind: "series" | "distributions",
  main: string | undefined,
): string[] {
  const all = columns.flatMap(({ result }) => Object.keys(result[kind]));
  return [...new Set(main !== undefined && all.includes(main) ? [main, ...all] : all)];
}

function source({ title, commit, url }: Source): Html {
  // Where a link would run a script it stays words.
  const isLink = url !== undefined && /^https?:\/\//.test(url);
  return element(
    "li",
    {},
    commit === undefined ? undefined : [element("code", {}, commit), " "],
    isLink ? element("a", { href: url, rel: "noreferrer" }, title) : title,
    url === undefined || isLink ? undefined : ` ${url}`,
  );
}

function whatRan({ columns, lengthNs, command, resultFile }: Story): readonly Html[] {
  const runs = columns.length > 1 ? `${columns.length} runs of` : "A run of";
  const seed = columns[0]?.result.seed ?? 0;
  return [
    element(
      "p",
      {},
      `${runs} ${formatExact(lengthNs, "ns")} simulated, seed ${seed}. `,
      element("code", {}, command),
    ),
    element(
      "p",
      {},
      "Every figure, exactly: ",
      // Without the dot, a name with a colon in it would be read as an address.
      element("a", { href: `./${encodeURIComponent(resultFile)}` }, resultFile),
    ),
  ];
}

/** The id of a story's section, for links on the page. */
export function storyAnchor({ scenario }: Story): string {
  return `story-${scenario.id}`;
}

/** Everything a report has on one scenario. */
export function renderStory(story: Story): Html {
  const { scenario, columns, explanation } = story;
  const tables = resultTables(columns);
  return element(
    "article",
    { id: storyAnchor(story) },
    element("h2", {}, scenario.title),
    element("p", { class: "fix" }, scenario.fix),
    element("p", {}, scenario.story),
    element(
      "ul",
      { class: "verdicts" },
      verdictsOf(scenario, columns).map((verdict) => element("li", {}, verdict)),
    ),
    section("Side by side", comparisonTable(scenario, columns)),
    section(
      "Over time",
      keysOf(columns, "series", scenario.plot).map((name) => lineChart(plotLines(name, columns))),
    ),
    section(
      "How often",
      keysOf(columns, "distributions", scenario.histogram).map((name) =>
        histogramChart(histograms(name, columns)),
      ),
    ),
    section(
      "What it is made of",
      explanation === undefined
        ? undefined
        : budgetChart(
            explanation,
            scenario.observe[explanation.observation]?.title ?? explanation.observation,
          ),
    ),
    section("Tables", tables, tables.length === 0 ? undefined : differenceFoot(columns)),
    section("Expectations", expectationTable(columns)),
    section("Behaviours that differ", behaviourTable(columns, scenario.axes)),
    section("What ran", whatRan(story), parameterTable(scenario.params, columns[0]?.result.params ?? {})),
    section("Exports", ...exportTable(story.exports ?? [])),
    section("Sources", element("ul", {}, scenario.sources.map(source))),
  );
}
