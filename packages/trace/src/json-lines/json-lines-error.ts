/**
 * A JSON Lines file that is not whole: `cut` when it ends before its last line does, `damaged` when a line is not what was written.
 *
 * @example
 * new JsonLinesError("cut", 3, "an end line", "the end of the file").message // => 'line 3: expected an end line, got the end of the file'
 */
export class JsonLinesError extends Error {
  override readonly name = "JsonLinesError";
  readonly fault: "cut" | "damaged";
  /** The line it was found in, from 1. */
  readonly line: number;

  /**
   * @param fault - which of the two it is.
   * @param line - the line it was found in, from 1.
   * @param expected - what should have been there.
   * @param got - what was.
   */
  constructor(fault: "cut" | "damaged", line: number, expected: string, got: string) {
    super(`line ${line}: expected ${expected}, got ${got}`);
    this.fault = fault;
    this.line = line;
  }
}
