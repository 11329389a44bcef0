import { closest, distance } from "fastest-levenshtein";

/**
 * The one error class for requests the app cannot carry out: unknown names, values out of range, unreadable files.
 * The command prints its message as one line and exits 2.
 *
 * @example
 * new ChronovisorError("kernel: expected a release").name // => 'ChronovisorError'
 */
export class ChronovisorError extends Error {
  override readonly name = "ChronovisorError";
}

/**
 * ` (did you mean period?)` when one of `known` is a slip of the keyboard away from `given`, else nothing.
 *
 * A slip is at most two letters, or a third of a longer word: further off, a guess only misleads.
 *
 * @example
 * didYouMean("perod", ["period", "duration"]) // => ' (did you mean period?)'
 */
export function didYouMean(given: string, known: readonly string[]): string {
  if (known.length === 0) return "";
  const near = closest(given, known);
  return distance(given, near) <= Math.max(2, Math.floor(given.length / 3)) ? ` (did you mean ${near}?)` : "";
}

/**
 * The error for a name that is none of `known`.
 *
 * @param kind - what was named: `scenario`, `parameter`
 */
export function unknownName(kind: string, name: string, known: readonly string[]): ChronovisorError {
  return new ChronovisorError(
    `${kind}: expected one of ${known.join(", ")}, got "${name}"${didYouMean(name, known)}`,
  );
}

/** The most of a text that is quoted. */
const LONGEST_QUOTED = 60;

/**
 * What was given, in an error's words: text in quotes and shortened, maps and lists by their kind.
 *
 * @example
 * quoted("3GHz") // => '"3GHz"'
 * quoted([1, 2]) // => 'a list'
 */
export function quoted(given: unknown): string {
  if (given === undefined) return "nothing";
  if (Array.isArray(given)) return "a list";
  if (typeof given === "object" && given !== null) return "a map";
  return JSON.stringify(given).slice(0, LONGEST_QUOTED);
}
