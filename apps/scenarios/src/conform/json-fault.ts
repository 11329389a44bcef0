/**
 * Finds the 1-based column at which a line stops being JSON, or undefined when it is JSON.
 *
 * `JSON.parse` says this differently on every Node release, and for short texts on Node 20 not at all, so an
 * error that names the column needs its own scan. It only runs on a line that `JSON.parse` has refused.
 */
export function jsonFaultColumn(line: string): number | undefined {
  const scanner = new Scanner(line);
  return scanner.value() && scanner.end() ? undefined : scanner.column;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// JSON's own classes: any unit from the space on but a quote and a backslash, eight short escapes, \u with four digits.
const STRING = /"(?:[ !#-[\]-\uffff]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/y;
const STRING_BODY = /"(?:[ !#-[\]-\uffff]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*/y;
const SPACE = /[ \t\r\n]*/y;

/** Each method returns whether the text went on as JSON; when it did not, `column` is where it stopped. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get column(): number {
    return this.#at + 1;
  }

  end(): boolean {
    return this.#at === this.#text.length;
  }

  value(): boolean {
    this.#match(SPACE);
    const first = this.#text[this.#at];
    const known =
      first === "{"
        ? this.#sequence("}", () => this.#member())
        : first === "["
          ? this.#sequence("]", () => this.value())
          : first === '"'
            ? this.#string()
            : this.#word();
    return known && this.#match(SPACE);
  }

  #sequence(close: string, item: () => boolean): boolean {
    this.#at += 1;
    this.#match(SPACE);
    if (this.#literal(close)) return true;
    do {
      if (!item()) return false;
    } while (this.#literal(","));
    return this.#literal(close);
  }

  #member(): boolean {
    this.#match(SPACE);
    if (!this.#string() || !this.#match(SPACE) || !this.#literal(":")) return false;
    return this.value();
  }

  #string(): boolean {
    if (this.#match(STRING)) return true;
    this.#match(STRING_BODY);
    return false;
  }

  #word(): boolean {
    return this.#match(NUMBER) || ["true", "false", "null"].some((word) => this.#literal(word));
  }

  #literal(expected: string): boolean {
    const found = this.#text.startsWith(expected, this.#at);
    if (found) this.#at += expected.length;
    return found;
  }

  #match(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const found = pattern.test(this.#text);
    if (found) this.#at = pattern.lastIndex;
    return found;
  }
}
