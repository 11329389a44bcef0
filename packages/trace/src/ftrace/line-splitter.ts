/** The longest line that is read, in characters: 64 KiB. */
const MAX_LINE = 65_536;

/** Takes lines; `length` is told of one that was longer than `MAX_LINE`, of which the start is given. */
export type TakeLine = (line: string, length: "whole" | "too-long") => void;

/**
 * Cuts chunks of text into lines, wherever the chunks were cut. Ends of line are LF and CRLF. What is held is the line that has not
 * ended yet, and of one that grows too long its start.
 */
export class LineSplitter {
  readonly #take: TakeLine;
  #held = "";
  #length: "whole" | "too-long" = "whole";

  constructor(take: TakeLine) {
    this.#take = take;
  }

  write(chunk: string): void {
    let from = 0;
    for (let end = chunk.indexOf("\n"); end >= 0; end = chunk.indexOf("\n", from)) {
      this.#hold(chunk, from, end);
      this.#finish();
      from = end + 1;
    }
    this.#hold(chunk, from, chunk.length);
  }

  /** A last line without an end is one too. */
  end(): void {
    if (this.#held !== "") this.#finish();
  }

  #hold(chunk: string, from: number, to: number): void {
    if (this.#length === "too-long") return;
    // One more than a line may have, for the CR of a line end.
    const room = MAX_LINE + 1 - this.#held.length;
    this.#held += chunk.slice(from, Math.min(to, from + room));
    if (to - from > room) this.#length = "too-long";
  }

  #finish(): void {
    const line = this.#held.endsWith("\r") ? this.#held.slice(0, -1) : this.#held;
    const length = line.length > MAX_LINE ? "too-long" : this.#length;
    this.#held = "";
    this.#length = "whole";
    this.#take(line, length);
  }
}
