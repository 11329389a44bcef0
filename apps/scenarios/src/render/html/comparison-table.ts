/** Runs side by side: what each observed, with what is not as in the first run marked. */
import type { ObservationSpec, ScenarioDefinition } from "../../scenario/types.js";
import { type Column, columnLabels } from "../column.js";
import { commonRelease } from "../kernel-facts.js";
import { headlineObservations, showObservation } from "../observations.js";
import { exactly } from "./exactly.js";
import { type Child, element, type Html } from "./markup.js";
import { dataTable, differing, type TableRow } from "./table.js";

/** Heads of the columns: what they are called, and the kernel of each where all are not on one. */
function columnHeads(columns: readonly Column[]): readonly Child[] {
  const labels = columnLabels(columns);
  if (commonRelease(columns) !== undefined) return labels;
  return columns.map(({ label, result }, place) =>
    label === result.kernel ? result.kernel : [labels[place] ?? label, element("small", {}, result.kernel)],
  );
}

function cell(name: string, spec: ObservationSpec, { result }: Column, first: Column): Child {
  const own = result.observations[name];
  const text = showObservation(own, spec);
  const value = own === undefined ? text : exactly(own.value, text);
  return own?.value === first.result.observations[name]?.value ? value : differing(value);
}

function rowsOf(
  observe: ScenarioDefinition["observe"],
  names: readonly string[],
  columns: readonly Column[],
  first: Column,
): readonly TableRow[] {
  return names.flatMap((name) => {
    const spec = observe[name];
    if (spec === undefined) return [];
    return [{ head: spec.title, cells: columns.map((column) => cell(name, spec, column, first)) }];
  });
}

/** What a mark means, for the foot of a table; nothing where there is one run. */
export function differenceFoot(columns: readonly Column[]): Html | undefined {
  const [first] = columnLabels(columns);
  return columns.length < 2 || first === undefined
    ? undefined
    : element("p", { class: "note" }, `* not as ${first}`);
}

/** The observations a story speaks of, and the others folded away below them. */
export function comparisonTable(
  { observe }: Pick<ScenarioDefinition, "observe">,
  columns: readonly Column[],
): readonly (Html | undefined)[] {
  const [first] = columns;
  if (first === undefined) return [];
  const release = commonRelease(columns);
  const headlines = headlineObservations(observe);
  const others = Object.keys(observe).filter((name) => !headlines.includes(name));
  const table = (caption: string, names: readonly string[]): Html =>
    dataTable({
      caption,
      heads: ["observed", ...columnHeads(columns)],
      rows: rowsOf(observe, names, columns, first),
    });
  return [
    table(`Observations, run by run${release === undefined ? "" : `, each on ${release}`}`, headlines),
    differenceFoot(columns),
    others.length === 0
      ? undefined
      : element(
          "details",
          {},
          element("summary", {}, `${others.length} further observations`),
          table("Further observations, run by run", others),
        ),
  ];
}
