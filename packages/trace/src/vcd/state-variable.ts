import type { VcdFile, VcdVariable } from "./vcd-file.js";

/** How a VCD file writes one of a few words: as its number, which every reader takes, or as text. */
export type VcdStrings = "off" | "on";

/** A variable that holds one of a few words, each with its number. */
export class StateVariable {
  readonly #variable:
    | { readonly type: "number"; readonly of: VcdVariable<bigint> }
    | { readonly type: "text"; readonly of: VcdVariable<string> };

  constructor(file: VcdFile, name: string, strings: VcdStrings) {
    this.#variable =
      strings === "on"
        ? { type: "text", of: file.string(name) }
        : { type: "number", of: file.vector("integer", 32, name) };
  }

  set(word: string, number: number): void {
    if (this.#variable.type === "text") this.#variable.of.set(word);
    else this.#variable.of.set(BigInt(number));
  }
}
