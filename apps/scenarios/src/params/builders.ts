/**
 * Parameters of a scenario as zod schemas: each takes what a person typed, or a whole number of its base unit, and
 * yields an exact value. Defaults are written as they would be typed.
 */
import { z } from "zod";
import { ChronovisorError, didYouMean, quoted } from "../errors.js";
import { dimensionOf, type NumericUnit } from "../units/dimensions.js";
import { formatInput } from "../units/format-exact.js";
import { parseQuantity } from "../units/parse-quantity.js";
import { quantityPattern } from "../units/quantity-pattern.js";
import { formatCpuList, MAX_CPU, parseCpuList } from "./cpu-list.js";
import { describeParam, type SameAs, type ShownOnScreen } from "./param-meta.js";

/** What a document or a command line may hold for a parameter. */
export type ParamInput = string | number | undefined;

interface Words {
  /** Shown on a screen in place of the parameter's name. */
  readonly title?: string;
  /** One line: what the parameter changes. */
  readonly help: string;
  /**
   * Whether a screen shows the parameter at its default. Without it, one whose default is zero, `off` or another
   * parameter's value is shown when it is set, and any other always.
   */
  readonly shown?: ShownOnScreen;
}

/** An exact number of a unit, within a range. */
export interface QuantityRange {
  readonly unit: NumericUnit;
  /** Inclusive, as typed. */
  readonly min: string;
  /** Inclusive, as typed. */
  readonly max: string;
}

export interface QuantitySpec extends Words, QuantityRange {
  /** As typed: `1ms`; or the value of another parameter, which `parseParams` fills in. */
  readonly default: string | SameAs;
}

const BARE_NUMBER = /^\s*[+\-\u2212]?[\d_.]+\s*$/;

/** The unit that a number without one is in: rates are spoken of in ppm, everything else in its base unit. */
export const bareUnit = (unit: NumericUnit): string => (unit === "ppb" ? "ppm" : unit);

function parseInRange(text: string, unit: NumericUnit, min: bigint, max: bigint): bigint {
  const bare = unit === "ppb" && BARE_NUMBER.test(text);
  const value = parseQuantity(bare ? `${text.trim()}${bareUnit(unit)}` : text, unit);
  if (value < min || value > max) {
    throw new ChronovisorError(
      `expected ${formatInput(min, unit)} to ${formatInput(max, unit)}, got "${text}"`,
    );
  }
  return value;
}

/** Text, or a number, that something else is read from. */
type Typed = z.ZodUnion<readonly [z.ZodString, z.ZodInt]>;

/** What is typed for `expected`. */
function typed(expected: string, text: z.ZodString = z.string()): Typed {
  return z.union([text, z.int()], { error: ({ input }) => `expected ${expected}, got ${quoted(input)}` });
}

/** What `parse` reads from text or a number, with what is wrong with it as an issue of the schema. */
function parsed<Value>(
  input: Typed,
  parse: (text: string) => Value,
): z.ZodPipe<Typed, z.ZodTransform<Value, string | number>> {
  return input.transform((given, context) => {
    try {
      return parse(String(given));
    } catch (error) {
      if (!(error instanceof ChronovisorError)) throw error;
      context.addIssue({ code: "custom", message: error.message, input: given });
      return z.NEVER;
    }
  });
}

/**
 * What is typed for an exact number of `unit` within a range; there is no default.
 *
 * @throws ChronovisorError if a bound is not a value of `unit`
 *
 * @example
 * quantityInput({ unit: "ns", min: "1us", max: "1s" }).parse("250us") // => 250000n
 */
export function quantityInput({
  unit,
  min,
  max,
}: QuantityRange): z.ZodPipe<Typed, z.ZodTransform<bigint, string | number>> {
  const low = parseQuantity(min, unit);
  const high = parseQuantity(max, unit);
  const text = z.string().meta({ pattern: quantityPattern(unit) });
  return parsed(typed(dimensionOf(unit).expected, text), (given) =>
    parseInRange(given, unit, low, high),
  ).meta({
    "x-unit": unit,
    "x-range": [formatInput(low, unit), formatInput(high, unit)],
  });
}

/**
 * A parameter that is an exact number of `unit`, within a range.
 *
 * @throws ChronovisorError if the default or a bound is not a value of `unit`, or the default lies outside the range
 *
 * @example
 * quantity({ unit: "ns", default: "1ms", min: "1us", max: "1s", help: "tick period" }).parse("250us") // => 250000n
 */
export function quantity(spec: QuantitySpec): z.ZodType<bigint, ParamInput> {
  const { unit, help, title } = spec;
  const min = parseQuantity(spec.min, unit);
  const max = parseQuantity(spec.max, unit);
  const common = { kind: "quantity", unit, title, help, min, max } as const;
  const words = {
    ...(title === undefined ? {} : { title }),
    description: help,
  };
  const given = quantityInput(spec);
  if (typeof spec.default !== "string") {
    const followed = { "x-default": { sameAs: spec.default.sameAs, times: spec.default.times.toString() } };
    // Alone it may be undefined; parseParams, which knows the parameter it follows, never leaves it so.
    const schema = given.optional().meta({ ...words, ...followed }) as unknown as z.ZodType<
      bigint,
      ParamInput
    >;
    return describeParam(schema, { ...common, default: spec.default, shown: spec.shown ?? "when-set" });
  }
  const byDefault = parseInRange(spec.default, unit, min, max);
  const shown = spec.shown ?? (byDefault === 0n ? "when-set" : "always");
  return describeParam(given.prefault(spec.default).meta(words), { ...common, default: byDefault, shown });
}

/** A parameter that counts something: `quantity` with the unit `count`. */
export function count(spec: Omit<QuantitySpec, "unit">): z.ZodType<bigint, ParamInput> {
  return quantity({ ...spec, unit: "count" });
}

export interface ChoiceSpec<Value extends string> extends Words {
  readonly default: NoInfer<Value>;
}

/**
 * A parameter that is one of a few words.
 *
 * @example
 * choice(["pinned", "unpinned"], { default: "pinned", help: "where it runs" }).parse("unpinned") // => 'unpinned'
 */
export function choice<const Value extends string>(
  values: readonly [Value, ...Value[]],
  spec: ChoiceSpec<Value>,
): z.ZodType<Value, Value | undefined> {
  const { help, title } = spec;
  const schema = z
    .enum(values, { error: ({ input }) => expectedOneOf(values, input) })
    .prefault(spec.default)
    .meta({ ...(title === undefined ? {} : { title }), description: help });
  const shown = spec.shown ?? (spec.default === "off" ? "when-set" : "always");
  return describeParam(schema, { kind: "choice", title, help, default: spec.default, values, shown });
}

/** A parameter that is `on` or `off`. */
export function onOff(spec: ChoiceSpec<"on" | "off">): z.ZodType<"on" | "off", "on" | "off" | undefined> {
  return choice(["on", "off"], spec);
}

export interface CpuListSpec extends Words {
  /** As typed: `1-3,5`, or `none`. */
  readonly default: string;
  /** The highest CPU allowed, 255 unless stated. */
  readonly max?: number;
}

/**
 * A parameter that is a set of CPUs, written as the kernel writes them, ascending when parsed.
 *
 * @throws ChronovisorError if the default is no list of CPUs up to `max`
 *
 * @example
 * cpuList({ default: "none", help: "CPUs without a tick" }).parse("5,1-3") // => [ 1, 2, 3, 5 ]
 */
export function cpuList(spec: CpuListSpec): z.ZodType<readonly number[], ParamInput> {
  const { help, title, max = MAX_CPU } = spec;
  const byDefault = parseCpuList(spec.default, max);
  const schema = parsed(typed("a list of CPUs such as 1-3,5"), (text) => parseCpuList(text, max))
    .prefault(spec.default)
    .meta({
      ...(title === undefined ? {} : { title }),
      description: help,
      "x-unit": "cpus",
      "x-range": [0, max],
    });
  const shown = spec.shown ?? (byDefault.length === 0 ? "when-set" : "always");
  return describeParam(schema, { kind: "cpus", title, help, default: formatCpuList(byDefault), max, shown });
}

/** What is told of `input`, which is none of `values`. */
export function expectedOneOf(values: readonly string[], input: unknown): string {
  const near = typeof input === "string" ? didYouMean(input, values) : "";
  return `expected one of ${values.join(", ")}, got ${quoted(input)}${near}`;
}
