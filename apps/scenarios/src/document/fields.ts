/** Parts that the schemas of documents are made of; what they refuse, they refuse in one line with what is allowed. */
import { z } from "zod";
import { didYouMean, quoted } from "../errors.js";
import { expectedOneOf } from "../params/builders.js";

/** A map with these keys and no other. */
export function fields<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== "unrecognized_keys") return undefined;
      const [key = ""] = issue.keys as readonly string[];
      return `expected one of ${known.join(", ")}, got "${key}"${didYouMean(key, known)}`;
    },
  });
}

/** A map that may be left out: every key of it has a default, which its type need not show. */
export function withDefaults<Map extends z.ZodObject>(map: Map): z.ZodPrefault<Map> {
  return map.prefault({} as z.input<Map>);
}

/** A map whose key `by` says which of `maps` it is. */
export function oneOf<
  By extends string,
  Maps extends readonly [z.core.$ZodTypeDiscriminable, ...z.core.$ZodTypeDiscriminable[]],
>(by: By, names: readonly string[], maps: Maps): z.ZodDiscriminatedUnion<Maps, By> {
  return z.discriminatedUnion(by, maps, {
    error: (issue) => {
      if (issue.code !== "invalid_union") return undefined;
      return expectedOneOf(names, (issue.input as Readonly<Record<string, unknown>>)[by]);
    },
  });
}

/** How long a list may be, and what it is of. */
export interface ListLength {
  readonly min: number;
  readonly max: number;
  /** Completes "expected 1 to 16 …". */
  readonly what: string;
}

/** A list of so many elements. */
export function list<Element extends z.ZodType>(
  element: Element,
  { min, max, what }: ListLength,
): z.ZodArray<Element> {
  const expected = min === max ? `expected ${min} ${what}` : `expected ${min} to ${max} ${what}`;
  const error = ({ input }: { readonly input?: unknown }): string =>
    `${expected}, got ${Array.isArray(input) ? input.length : quoted(input)}`;
  return z.array(element, { error }).min(min, { error }).max(max, { error });
}

/** Text that says something. */
export function words(description: string): z.ZodString {
  const error = ({ input }: { readonly input?: unknown }): string => `expected text, got ${quoted(input)}`;
  return z.string({ error }).min(1, { error }).describe(description);
}

/** A whole number, which has no unit. */
export function wholeNumber(min: number, max: number): z.ZodInt {
  const error = ({ input }: { readonly input?: unknown }): string =>
    `expected a whole number from ${min} to ${max}, got ${quoted(input)}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}
