import type { WriteText } from "./exporter.js";

/** A call of the writer for every line would cost more than the line. */
const PIECE_LENGTH = 65_536;

/** Gathers text into pieces of some 64 Ki characters. A piece ends where an `add` did: no line and no character is split. */
export class TextPieces {
  readonly #write: WriteText;
  #text = "";

  constructor(write: WriteText) {
    this.#write = write;
  }

  add(text: string): void {
    this.#text += text;
    if (this.#text.length >= PIECE_LENGTH) this.flush();
  }

  /** Hands on what is held. */
  flush(): void {
    const text = this.#text;
    this.#text = "";
    if (text !== "") this.#write(text);
  }
}
