import { ChronovisorError, unknownName } from "../errors.js";
import type { ParamShape, ParamValues, Quantity } from "../scenario/types.js";
import { paramMeta } from "./param-meta.js";

/** What was set, by name: text as typed, or a whole number of the parameter's base unit. */
export type ParamInputs = Readonly<Record<string, string | number | bigint>>;

/**
 * Values of every parameter of `shape`: what was set, and defaults for the rest.
 *
 * @param label - what an error calls a parameter: the option it came from, say
 * @throws ChronovisorError for an unknown name, a value of the wrong kind or one out of range, naming the parameter
 */
export function parseParams<S extends ParamShape>(
  shape: S,
  inputs: ParamInputs,
  label: (name: string) => string = (name) => name,
): ParamValues<S> {
  const names = Object.keys(shape);
  for (const name of Object.keys(inputs)) {
    if (!Object.hasOwn(shape, name)) throw unknownName("parameter", name, names);
  }
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const input = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    const parsed = schema.safeParse(typeof input === "bigint" ? input.toString() : input);
    if (!parsed.success) {
      throw new ChronovisorError(`${label(name)}: ${parsed.error.issues[0]?.message ?? "not a value"}`);
    }
    values[name] = parsed.data;
  }
  return values as ParamValues<S>;
}

/** Parsed parameters with their units, as a result carries them. */
export function paramQuantities(
  shape: ParamShape,
  values: Readonly<Record<string, unknown>>,
): Record<string, Quantity> {
  const quantities: Record<string, Quantity> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const meta = paramMeta(schema);
    const value = values[name];
    if (typeof value !== "bigint" && typeof value !== "string") {
      throw new TypeError(`paramQuantities: expected a parsed value for ${name}, got ${String(value)}`);
    }
    quantities[name] = { value, unit: meta.kind === "quantity" ? meta.unit : "name" };
  }
  return quantities;
}
