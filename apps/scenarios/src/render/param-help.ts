import { bareUnit } from "../params/builders.js";
import { type ParamMeta, paramMeta } from "../params/param-meta.js";
import type { ParamShape } from "../scenario/types.js";
import { formatInput } from "../units/format-exact.js";
import { hang } from "./wrap.js";

/** The default as one would type it; for one that follows another parameter, that parameter's name. */
export function defaultInput(meta: ParamMeta): string {
  if (meta.kind !== "quantity") return meta.default;
  return typeof meta.default === "bigint" ? formatInput(meta.default, meta.unit) : meta.default.sameAs;
}

/** What may be typed: `1us to 1s`, the words of a choice, or which CPUs. */
export function allowedInput(meta: ParamMeta): string {
  if (meta.kind === "choice") return meta.values.join(", ");
  if (meta.kind === "cpus") return `CPUs from 0 to ${meta.max} such as 1-3,5, or none`;
  return `${formatInput(meta.min, meta.unit)} to ${formatInput(meta.max, meta.unit)}`;
}

/** What a bare number is counted in, in brackets. */
function bareUnitOf(meta: ParamMeta): string {
  return meta.kind === "quantity" && meta.unit !== "count" ? ` [${bareUnit(meta.unit)}]` : "";
}

/** Parameters as `name=default`, each with what it changes, what it may be, and the unit of a bare number. */
export function renderParamHelp(shape: ParamShape, width: number): readonly string[] {
  const entries = Object.entries(shape).map(([name, schema]) => {
    const meta = paramMeta(schema);
    return {
      head: `${name}=${defaultInput(meta)}`,
      text: `${meta.help} (${allowedInput(meta)})${bareUnitOf(meta)}`,
    };
  });
  const indent = Math.min(28, Math.max(0, ...entries.map(({ head }) => head.length)) + 2);
  return entries.flatMap(({ head, text }) => {
    if (head.length + 2 <= indent) return hang(head, text, indent, width);
    return [head, ...hang("", text, indent, width)];
  });
}
