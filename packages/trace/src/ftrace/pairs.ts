import type { Conversion, FieldValue } from "./conversions.js";
import type { Fields, Piece } from "./template.js";

interface Pair {
  readonly name: string;
  readonly conversion: Conversion;
  readonly matches: RegExp;
  /** Whether every known format has it. */
  readonly presence: "required" | "optional";
}

/** `key=` at the start, after a space, or in a bracket: ` [timeout=`. */
const KEY = /(?:^| )\[?([a-z_]+)=/g;

/** The keys of a template: the field that follows `key=` has its value. */
function keysOf(pieces: readonly Piece[]): ReadonlyMap<string, Extract<Piece, { kind: "field" }>> {
  const keys = new Map<string, Extract<Piece, { kind: "field" }>>();
  let key = "";
  for (const piece of pieces) {
    if (piece.kind === "text") key = /([a-z_]+)=$/.exec(piece.text)?.[1] ?? "";
    else keys.set(key, piece);
  }
  return keys;
}

/**
 * Reads payloads of `key=value` pairs in any order: kernels add pairs, and libtraceevent's plugins have them in another order. A key
 * that is not known is passed over; one that all formats have must be there.
 */
export class PairReader {
  readonly #pairs: ReadonlyMap<string, Pair>;

  /** @param formats - all known formats of the event */
  constructor(formats: ReadonlyArray<readonly Piece[]>) {
    const all = formats.map(keysOf);
    const pairs = new Map<string, Pair>();
    for (const keys of all) {
      for (const [key, { name, conversion }] of keys) {
        const presence = all.every((other) => other.has(key)) ? "required" : "optional";
        pairs.set(key, { name, conversion, matches: new RegExp(`^(?:${conversion.pattern})$`), presence });
      }
    }
    this.#pairs = pairs;
  }

  /** The fields, or `undefined` for another text. */
  read(payload: string): Fields | undefined {
    const { fields, mismatchAt } = this.#scan(payload);
    return mismatchAt === undefined ? fields : undefined;
  }

  /** How many characters of a text are as they should be. */
  mismatchAt(payload: string): number {
    return this.#scan(payload).mismatchAt ?? payload.length;
  }

  #scan(payload: string): { readonly fields: Fields; readonly mismatchAt?: number } {
    const fields: Record<string, FieldValue> = {};
    const keys = [...payload.matchAll(KEY)];
    for (const [i, match] of keys.entries()) {
      const [start, key = ""] = match;
      const pair = this.#pairs.get(key);
      if (pair === undefined) continue;
      const at = match.index + start.length;
      const found = payload.slice(at, keys[i + 1]?.index).trimEnd();
      const text = start.includes("[") ? found.replace(/\]$/, "") : found;
      const value = pair.matches.test(text) ? pair.conversion.read(text) : undefined;
      if (value === undefined) return { fields, mismatchAt: at };
      fields[pair.name] = value;
    }
    const missing = [...this.#pairs.values()].some(
      ({ name, presence }) => presence === "required" && fields[name] === undefined,
    );
    return missing ? { fields, mismatchAt: payload.length } : { fields };
  }
}
