/** The behaviours of the kernel in which runs differ, and what each run has. */
import { AXES } from "../../kernels/axes.js";
import { differingAxes } from "../../scenario/json.js";
import { type Column, columnLabels } from "../column.js";
import { heardOf } from "../kernel-facts.js";
import { type Child, element, type Html } from "./markup.js";
import { dataTable, differing, type TableRow } from "./table.js";

function headOf(name: string): Child {
  const title = AXES.find((axis) => axis.name === name)?.title;
  return [element("code", {}, name), title === undefined ? undefined : element("small", {}, title)];
}

function rowOf(name: string, columns: readonly Column[]): TableRow {
  const values = columns.map(({ result }) => result.axes[name] ?? "–");
  return {
    head: headOf(name),
    cells: values.map((value) => (value === values[0] ? value : differing(value))),
  };
}

/**
 * A table of the behaviours that play a part, and one of the others folded away below it.
 *
 * @param playing - names of those that may play a part; absent, all may
 */
export function behaviourTable(
  columns: readonly Column[],
  playing: readonly string[] | undefined,
): readonly Html[] {
  const differingNames = differingAxes(columns.map(({ result }) => result));
  if (differingNames.length === 0) return [];
  const heard = heardOf(differingNames, columns, playing);
  const others = differingNames.filter((name) => !heard.includes(name));
  const table = (caption: string, names: readonly string[]): Html =>
    dataTable({
      caption,
      heads: ["behaviour", ...columnLabels(columns)],
      rows: names.map((name) => rowOf(name, columns)),
      cells: "words",
    });
  return [
    ...(heard.length === 0 ? [] : [table("What the kernel of each run does", heard)]),
    ...(others.length === 0
      ? []
      : [
          element(
            "details",
            {},
            element(
              "summary",
              {},
              `${others.length} more that ${others.length === 1 ? "plays" : "play"} no part here`,
            ),
            table("The same for behaviours that play no part", others),
          ),
        ]),
  ];
}
