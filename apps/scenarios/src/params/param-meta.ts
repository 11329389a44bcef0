import type { z } from "zod";
import type { NumericUnit } from "../units/dimensions.js";

/** A default that follows another parameter: its value times a factor, such as 1000 from kHz to Hz. */
export interface SameAs {
  readonly sameAs: string;
  readonly times: bigint;
}

/** What a reader is told about a numeric parameter; bounds are inclusive and in `unit`. */
export interface QuantityMeta {
  readonly kind: "quantity";
  readonly unit: NumericUnit;
  readonly title: string | undefined;
  readonly help: string;
  readonly default: bigint | SameAs;
  readonly min: bigint;
  readonly max: bigint;
}

/** What a reader is told about a parameter that is one of a few words. */
export interface ChoiceMeta {
  readonly kind: "choice";
  readonly title: string | undefined;
  readonly help: string;
  readonly default: string;
  readonly values: readonly string[];
}

/** What a reader is told about a parameter that is a set of CPUs, `0` to `max`. */
export interface CpuListMeta {
  readonly kind: "cpus";
  readonly title: string | undefined;
  readonly help: string;
  /** As the kernel would print it. */
  readonly default: string;
  readonly max: number;
}

/** Whether a screen shows a parameter that is at its default: `when-set` leaves it out. */
export type ShownOnScreen = "always" | "when-set";

export type ParamMeta = (QuantityMeta | ChoiceMeta | CpuListMeta) & { readonly shown: ShownOnScreen };

const metas = new WeakMap<z.ZodType, ParamMeta>();

/** Remembers what a builder was told, beside the schema it made. */
export function describeParam<S extends z.ZodType>(schema: S, meta: ParamMeta): S {
  metas.set(schema, meta);
  return schema;
}

/**
 * What the builder of a parameter was told.
 *
 * @throws TypeError if `schema` is not the very schema that `quantity`, `count`, `choice`, `onOff` or `cpuList` returned
 */
export function paramMeta(schema: z.ZodType): ParamMeta {
  const meta = metas.get(schema);
  if (meta === undefined) {
    throw new TypeError(
      "paramMeta: expected a schema made by quantity, count, choice, onOff or cpuList, got another",
    );
  }
  return meta;
}
