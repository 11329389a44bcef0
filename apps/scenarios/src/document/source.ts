import { type Document, isMap, isNode, isPair, LineCounter, parseDocument } from "yaml";
import { ChronovisorError, quoted } from "../errors.js";

/** A way into a document: keys of maps, places in lists. */
export type DocumentPath = readonly (string | number)[];

/** The largest document: a written one is a thousandth of it. */
const LARGEST_CHARACTERS = 1_000_000;
/** What no text has: a NUL, and what is left of bytes that are no UTF-8. */
const BINARY = ["\0", "\ufffd"];

/** A scenario document as text: its plain value, and where each part of it stands. */
export class DocumentSource {
  /** As it is called in errors: the file's name. */
  readonly name: string;
  /** What it holds, as JSON would. */
  readonly value: unknown;
  readonly #document: Document;
  readonly #lines: LineCounter;

  /**
   * Reads YAML 1.2, of which JSON is a part.
   *
   * @throws ChronovisorError naming file, line and column of what cannot be read; for binary and for far too long files.
   */
  constructor(name: string, text: string) {
    this.name = name;
    if (text.length > LARGEST_CHARACTERS) {
      throw new ChronovisorError(
        `${name}: expected a scenario document of at most ${LARGEST_CHARACTERS} characters, got ${text.length}`,
      );
    }
    if (BINARY.some((sign) => text.includes(sign)))
      throw new ChronovisorError(`${name}: expected a scenario document, got a binary file`);
    this.#lines = new LineCounter();
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      intAsBigInt: false,
    });
    const [error] = this.#document.errors;
    if (error !== undefined) throw this.#errorAt(error.pos[0], firstLine(error.message));
    // Aliases that multiply are refused by the library at its default of 100.
    try {
      this.value = this.#document.toJS();
    } catch (error) {
      throw new ChronovisorError(
        `${name}: ${error instanceof Error ? firstLine(error.message) : "cannot be read"}`,
      );
    }
  }

  /** The error for the part at `path`, at its place in the text; for a part that is missing, at what should hold it. */
  error(path: DocumentPath, message: string): ChronovisorError {
    const where = path.length === 0 ? "" : `${pathText(path)}: `;
    return this.#errorAt(this.#offsetOf(path), where + message);
  }

  /** What stands at `path`, shortened, as an error quotes it. */
  textAt(path: DocumentPath): string {
    const value = path.length === 0 ? this.value : this.#document.getIn(path);
    return isNode(value) ? quoted(value.toJS(this.#document)) : quoted(value);
  }

  /** The same for a key that should not be there: at the key itself. */
  errorAtKey(path: DocumentPath, key: string, message: string): ChronovisorError {
    const map = this.#document.getIn(path, true);
    const pair = isMap(map)
      ? map.items.find((item) => isPair(item) && isNode(item.key) && String(item.key) === key)
      : undefined;
    const offset = isNode(pair?.key) ? pair.key.range?.[0] : undefined;
    return this.#errorAt(offset ?? this.#offsetOf(path), message);
  }

  #errorAt(offset: number, message: string): ChronovisorError {
    const { line, col } = this.#lines.linePos(offset);
    return new ChronovisorError(`${this.name}:${line}:${col}: ${message}`);
  }

  #offsetOf(path: DocumentPath): number {
    for (let length = path.length; length > 0; length--) {
      const node = this.#document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range !== undefined && node.range !== null) return node.range[0];
    }
    return this.#document.contents?.range?.[0] ?? 0;
  }
}

const firstLine = (text: string): string => text.split("\n")[0] ?? "";

/** `timeline[2].at`. */
function pathText(path: DocumentPath): string {
  return path
    .map((part, i) => (typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join("");
}
