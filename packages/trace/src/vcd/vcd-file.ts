import type { TextPieces } from "../text-pieces.js";
import { codeOf, nameOf, sectionText, stringValue, vectorValue } from "./vcd-text.js";

/** A variable of a VCD file. Setting it to what it is writes nothing. */
export interface VcdVariable<V> {
  set(value: V): void;
}

/** What a bit is, once it is known. */
export type Bit = "0" | "1";

/** How a variable says that it is not known yet; a real and a text cannot, and say nothing. */
const UNKNOWN_BIT = "x";
const UNKNOWN_VECTOR = "bx ";
const UNSAID = "";

/**
 * A VCD file as it is written: scopes and variables, then `begin`, then changes in order of time. A time is written when something
 * changes at it, once.
 */
export class VcdFile {
  readonly #pieces: TextPieces;
  readonly #initial: string[] = [];
  #variables = 0;
  /** Names of each open scope, from the outside in. */
  readonly #names: Set<string>[] = [];
  #now = 0n;
  #writtenTime = 0n;

  constructor(pieces: TextPieces) {
    this.#pieces = pieces;
  }

  /** A section of the header: a keyword, what it says, and its end. */
  section(keyword: "version" | "comment" | "timescale", text: string): void {
    this.#pieces.add(`$${keyword} ${sectionText(text)} $end\n`);
  }

  /** Declares a scope, and in `declare` what is in it. */
  scope<T>(name: string, declare: () => T): T {
    this.#pieces.add(`$scope module ${nameOf(name)} $end\n`);
    this.#names.push(new Set());
    const declared = declare();
    this.#names.pop();
    this.#pieces.add("$upscope $end\n");
    return declared;
  }

  /** One bit. */
  bit(name: string): VcdVariable<Bit> {
    return this.#declare("wire", 1, name, UNKNOWN_BIT, (value, code) => value + code);
  }

  /** An integer of `width` bits, signed or not. */
  vector(type: "wire" | "integer", width: number, name: string): VcdVariable<bigint> {
    return this.#declare(
      type,
      width,
      name,
      UNKNOWN_VECTOR,
      (value, code) => `${vectorValue(value, width)} ${code}`,
    );
  }

  /** A number, written exactly; readers take it as a double. */
  real(name: string): VcdVariable<bigint> {
    return this.#declare("real", 64, name, UNSAID, (value, code) => `r${value} ${code}`);
  }

  /** Text, an extension that not every reader takes. */
  string(name: string): VcdVariable<string> {
    return this.#declare("string", 1, name, UNSAID, (value, code) => `s${stringValue(value)} ${code}`);
  }

  /** Ends the header and writes what is known at the start, at `time`: nothing. */
  begin(time: bigint): void {
    this.#now = time;
    this.#writtenTime = time;
    this.#pieces.add(`$enddefinitions $end\n#${time}\n$dumpvars\n${this.#initial.join("")}$end\n`);
    this.#initial.length = 0;
  }

  /** Moves on to `time`, not before the last. */
  at(time: bigint): void {
    this.#now = time;
  }

  /** Writes the time, whether or not anything changed at it: where the run ends. */
  mark(): void {
    if (this.#now === this.#writtenTime) return;
    this.#writtenTime = this.#now;
    this.#pieces.add(`#${this.#now}\n`);
  }

  #declare<V>(
    type: string,
    width: number,
    name: string,
    unknown: string,
    write: (value: V, code: string) => string,
  ): VcdVariable<V> {
    const code = codeOf(this.#variables);
    this.#variables += 1;
    this.#pieces.add(`$var ${type} ${width} ${code} ${this.#unused(nameOf(name))} $end\n`);
    if (unknown !== UNSAID) this.#initial.push(`${unknown}${code}\n`);
    let last: V | undefined;
    return {
      set: (value) => {
        if (value === last) return;
        last = value;
        this.mark();
        this.#pieces.add(`${write(value, code)}\n`);
      },
    };
  }

  /** `name`, or with a number behind it where the scope has one already. */
  #unused(name: string): string {
    const names = this.#names.at(-1);
    let unused = name;
    for (let i = 2; names?.has(unused); i++) unused = `${name}_${i}`;
    names?.add(unused);
    return unused;
  }
}
