import {
  type Conversion,
  conversionNamed,
  escapePattern,
  type FieldValue,
  oneOf,
  type PayloadDialect,
  present,
} from "./conversions.js";

/** The fields of a record, by the names of the kernel's structure members in camel case. */
export type Fields = Readonly<Record<string, FieldValue>>;

/** What a payload says, and in whose format. */
export interface PayloadReading {
  readonly fields: Fields;
  readonly dialect: PayloadDialect;
}

/** A piece of a template: text that stands as it is, or a field. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "field"; readonly name: string; readonly conversion: Conversion };

/** `{name:conversion}`, `{name=one|of|these}`, `{name?text that may be there}`. A lone brace is text. */
const FIELD = /\{(\w+)([:=?])([^}]*)\}/g;

function conversionOf(sign: string, argument: string): Conversion {
  if (sign === "=") return oneOf(argument);
  return sign === "?" ? present(argument) : conversionNamed(argument);
}

/**
 * Takes a template apart: `msr_{access=read|write} {index:x} = 0x{data:x}{exception? (#GP)}`.
 *
 * @throws TypeError for a conversion that does not exist.
 */
export function piecesOf(template: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of template.matchAll(FIELD)) {
    const [whole, name = "", sign = "", argument = ""] = match;
    if (match.index > at) pieces.push({ kind: "text", text: template.slice(at, match.index) });
    pieces.push({ kind: "field", name, conversion: conversionOf(sign, argument) });
    at = match.index + whole.length;
  }
  if (at < template.length) pieces.push({ kind: "text", text: template.slice(at) });
  return pieces;
}

/**
 * Prints fields by a template.
 *
 * @throws TypeError for a field that the template needs and `fields` does not have.
 */
export function formatPieces(pieces: readonly Piece[], fields: Fields, dialect: PayloadDialect): string {
  return pieces
    .map((piece) => {
      if (piece.kind === "text") return piece.text;
      const value = fields[piece.name];
      if (value !== undefined) return piece.conversion.write(value, dialect);
      if (piece.conversion.presence === "optional") return "";
      throw new TypeError(`formatPieces: expected a field ${piece.name}, got ${Object.keys(fields)}`);
    })
    .join("");
}

const patternOf = (piece: Piece): string =>
  piece.kind === "text" ? escapePattern(piece.text) : `(${piece.conversion.pattern})`;

/** Reads payloads of one template: its pieces in their order and nothing else. */
export class TemplateReader {
  readonly #pieces: readonly Piece[];
  readonly #fields: ReadonlyArray<Extract<Piece, { kind: "field" }>>;
  readonly #regex: RegExp;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
    this.#fields = pieces.filter((piece) => piece.kind === "field");
    this.#regex = new RegExp(`^${pieces.map(patternOf).join("")}$`);
  }

  /** The fields, or `undefined` for another text. */
  read(payload: string): Fields | undefined {
    const match = this.#regex.exec(payload);
    if (match === null) return undefined;
    const fields: Record<string, FieldValue> = {};
    for (const [i, { name, conversion }] of this.#fields.entries()) {
      const value = conversion.read(match[i + 1] ?? "");
      if (value !== undefined) fields[name] = value;
      else if (conversion.presence === "required") return undefined;
    }
    return fields;
  }

  /** How many characters of a text agree with the template; for the few texts that are shown, as it is not fast. */
  mismatchAt(payload: string): number {
    for (let count = this.#pieces.length; count > 0; count--) {
      const start = this.#pieces.slice(0, count).map(patternOf).join("");
      const match = new RegExp(`^${start}`).exec(payload);
      if (match !== null) return match[0].length;
    }
    return 0;
  }
}
