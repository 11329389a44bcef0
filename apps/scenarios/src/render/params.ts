import { type ParamMeta, paramMeta } from "../params/param-meta.js";
import type { ParamShape, Quantity } from "../scenario/types.js";
import { isNumericUnit } from "../units/dimensions.js";
import { formatExact } from "../units/format-exact.js";
import { formatQuantity } from "../units/format-quantity.js";

type Params = Readonly<Record<string, Quantity>>;

/** A parameter's value, exactly. */
export function formatParam({ value, unit }: Quantity): string {
  return typeof value === "bigint" && isNumericUnit(unit)
    ? formatExact(value, unit)
    : formatQuantity(value, unit);
}

/** What a parameter is when nothing sets it; one that follows another follows it in `params`. */
export function defaultParam(meta: ParamMeta, params: Params): Quantity {
  if (meta.kind !== "quantity") return { value: meta.default, unit: "name" };
  if (typeof meta.default === "bigint") return { value: meta.default, unit: meta.unit };
  const followed = params[meta.default.sameAs]?.value;
  return { value: typeof followed === "bigint" ? followed * meta.default.times : 0n, unit: meta.unit };
}

/**
 * Parameters in words: `set` for what differs from its default, with that default, and `params` for the rest of
 * those a screen always shows.
 */
export function renderParams(shape: ParamShape, params: Params): readonly (readonly [string, string])[] {
  const set: string[] = [];
  const rest: string[] = [];
  for (const [name, schema] of Object.entries(shape)) {
    const given = params[name];
    if (given === undefined) continue;
    const meta = paramMeta(schema);
    const text = `${meta.title ?? name} ${formatParam(given)}`;
    const byDefault = defaultParam(meta, params);
    if (given.value !== byDefault.value) set.push(`${text} (default ${formatParam(byDefault)})`);
    else if (meta.shown === "always") rest.push(text);
  }
  return [
    ...(set.length > 0 ? [["set", set.join(", ")] as const] : []),
    ...(rest.length > 0 ? [[set.length > 0 ? "default" : "params", rest.join(", ")] as const] : []),
  ];
}
