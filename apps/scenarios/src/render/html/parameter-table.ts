/** What was set, and every parameter with its default and what it is. */
import { type ParamMeta, paramMeta } from "../../params/param-meta.js";
import type { ParamShape, Quantity } from "../../scenario/types.js";
import { formatExact } from "../../units/format-exact.js";
import { defaultParam, formatParam, renderParams } from "../params.js";
import { exactly } from "./exactly.js";
import { element, type Html } from "./markup.js";
import { dataTable, differing, type TableRow } from "./table.js";

type Params = Readonly<Record<string, Quantity>>;

function rangeOf(meta: ParamMeta): string {
  switch (meta.kind) {
    case "quantity":
      return `${formatExact(meta.min, meta.unit)} to ${formatExact(meta.max, meta.unit)}`;
    case "choice":
      return meta.values.join(", ");
    case "cpus":
      return `CPUs 0 to ${meta.max}`;
  }
}

function rowOf(name: string, meta: ParamMeta, given: Quantity, params: Params): TableRow {
  const byDefault = defaultParam(meta, params);
  const value = exactly(given.value, formatParam(given));
  return {
    head: [element("code", {}, name), element("small", {}, meta.help)],
    cells: [
      given.value === byDefault.value ? value : differing(value),
      exactly(byDefault.value, formatParam(byDefault)),
      rangeOf(meta),
    ],
  };
}

/** Parameters in words, those that were set first, and a table of all of them folded away below. */
export function parameterTable(shape: ParamShape, params: Params): readonly Html[] {
  const rows = Object.entries(shape).flatMap(([name, schema]) => {
    const given = params[name];
    return given === undefined ? [] : [rowOf(name, paramMeta(schema), given, params)];
  });
  return [
    ...renderParams(shape, params).map(([label, text]) =>
      element("p", {}, element("b", {}, `${label === "params" ? "parameters" : label}: `), text),
    ),
    element(
      "details",
      {},
      element("summary", {}, `all ${rows.length} parameters`),
      dataTable({ caption: "Parameters", heads: ["parameter", "value", "default", "range"], rows }),
    ),
  ];
}
