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
// JSON's own: eight short escapes, and \u with four digits.
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const SPACES = " \t\r\n";
const FIRST_PRINTABLE = " ";

/**
 * Each method returns whether the text went on as JSON; when it did not, `column` is where it stopped. Brackets are
 * counted in an array and strings are walked, so no line is too deep or too long for the stack.
 */
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

  /** One value and the space around it. */
  value(): boolean {
    /** What closes the arrays and objects that are open, the innermost last. */
    const open: ("]" | "}")[] = [];
    do {
      this.#space();
      if (this.#literal("[")) open.push("]");
      else if (this.#literal("{")) open.push("}");
      else if (!this.#scalar()) return false;
      else if (!this.#close(open)) return false;
      else continue;
      // An array or object has just begun: it may be empty, and a member begins with its name.
      this.#space();
      if (this.#text[this.#at] === open[open.length - 1]) {
        if (!this.#close(open)) return false;
      } else if (open[open.length - 1] === "}" && !this.#name()) return false;
    } while (open.length > 0);
    return true;
  }

  /** What follows a value: closing brackets, then a comma with the name of the next member, or the end of it all. */
  #close(open: ("]" | "}")[]): boolean {
    for (;;) {
      this.#space();
      const closer = open[open.length - 1];
      if (closer === undefined) return true;
      if (this.#literal(",")) return closer === "]" || this.#name();
      if (!this.#literal(closer)) return false;
      open.pop();
    }
  }

  #name(): boolean {
    this.#space();
    if (!this.#string()) return false;
    this.#space();
    return this.#literal(":");
  }

  #scalar(): boolean {
    if (this.#text[this.#at] === '"') return this.#string();
    return this.#match(NUMBER) || ["true", "false", "null"].some((word) => this.#literal(word));
  }

  #string(): boolean {
    if (!this.#literal('"')) return false;
    for (;;) {
      const unit = this.#text[this.#at];
      if (unit === undefined || unit < FIRST_PRINTABLE) return false;
      if (unit === '"') break;
      if (unit !== "\\") this.#at += 1;
      else if (!this.#match(ESCAPE)) return false;
    }
    return this.#literal('"');
  }

  #space(): void {
    while (SPACES.includes(this.#text[this.#at] ?? "end")) this.#at += 1;
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
