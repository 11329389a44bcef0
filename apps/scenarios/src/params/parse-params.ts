import type { z } from "zod";
import { ChronovisorError, unknownName } from "../errors.js";
import type { ParamShape, ParamValues, Quantity } from "../scenario/types.js";
import { formatCpuList } from "./cpu-list.js";
import { paramMeta, type SameAs } from "./param-meta.js";

/** What was set, by name: text as typed, or a whole number of the parameter's base unit. */
export type ParamInputs = Readonly<Record<string, string | number | bigint>>;

/** The parameter a default follows, if it follows one. */
function followed(schema: z.ZodType): SameAs | undefined {
  const meta = paramMeta(schema);
  return meta.kind === "quantity" && typeof meta.default !== "bigint" ? meta.default : undefined;
}

/** Parameters with a default of their own first: one that follows another needs its value. */
function inDependencyOrder(shape: ParamShape): ReadonlyArray<[string, z.ZodType]> {
  const entries = Object.entries(shape);
  return [
    ...entries.filter(([, schema]) => followed(schema) === undefined),
    ...entries.filter(([, schema]) => followed(schema) !== undefined),
  ];
}

/** What stands in for an input that was not given; undefined leaves it to the schema's own default. */
function defaultInput(schema: z.ZodType, values: Readonly<Record<string, unknown>>): bigint | undefined {
  const source = followed(schema);
  if (source === undefined) return undefined;
  const value = values[source.sameAs];
  if (typeof value !== "bigint") {
    throw new TypeError(`parseParams: expected ${source.sameAs} to be a quantity with a default of its own`);
  }
  return value * source.times;
}

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
  for (const [name, schema] of inDependencyOrder(shape)) {
    const input = Object.hasOwn(inputs, name) ? inputs[name] : defaultInput(schema, values);
    const parsed = schema.safeParse(typeof input === "bigint" ? input.toString() : input);
    if (!parsed.success) {
      throw new ChronovisorError(`${label(name)}: ${parsed.error.issues[0]?.message ?? "not a value"}`);
    }
    values[name] = parsed.data;
  }
  // Back into the order of the shape, which results and screens keep.
  return Object.fromEntries(names.map((name) => [name, values[name]])) as ParamValues<S>;
}

/** A list of CPUs as text, which is how a result carries it; any other value as it is. */
function textOfCpus(value: unknown): unknown {
  return Array.isArray(value) ? formatCpuList(value) : value;
}

/** Parsed parameters with their units, as a result carries them. */
export function paramQuantities(
  shape: ParamShape,
  values: Readonly<Record<string, unknown>>,
): Record<string, Quantity> {
  const quantities: Record<string, Quantity> = {};
  for (const [name, schema] of Object.entries(shape)) {
    const meta = paramMeta(schema);
    const value = textOfCpus(values[name]);
    if (typeof value !== "bigint" && typeof value !== "string") {
      throw new TypeError(`paramQuantities: expected a parsed value for ${name}, got ${String(value)}`);
    }
    quantities[name] = { value, unit: meta.kind === "quantity" ? meta.unit : "name" };
  }
  return quantities;
}
