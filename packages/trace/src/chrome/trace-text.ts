import type { WriteText } from "../exporter.js";
import { TextPieces } from "../text-pieces.js";

const NS_PER_US = 1_000n;

/** A field of an event: its name, and its value as JSON. */
export type JsonField = readonly [name: string, json: string];

/** The JSON of an object with these fields, in their order. */
export function jsonObject(fields: Iterable<JsonField>): string {
  const members: string[] = [];
  for (const [name, json] of fields) members.push(`${JSON.stringify(name)}:${json}`);
  return `{${members.join(",")}}`;
}

/** Microseconds with three decimals, from ns ≥ 0: written without ever being a Number. */
export function microseconds(ns: bigint): string {
  return `${ns / NS_PER_US}.${String(ns % NS_PER_US).padStart(3, "0")}`;
}

/** Writes the object of a trace, an event a line, in pieces of whole lines. */
export class TraceText {
  readonly #pieces: TextPieces;
  #separator = "";

  constructor(write: WriteText) {
    this.#pieces = new TextPieces(write);
  }

  /** Opens the object, with what the trace is of; events follow. */
  begin(otherData: readonly JsonField[]): void {
    const other = jsonObject(otherData);
    this.#pieces.add(`{"displayTimeUnit":"ns","otherData":${other},"traceEvents":[`);
  }

  event(fields: Iterable<JsonField>): void {
    this.#pieces.add(`${this.#separator}\n${jsonObject(fields)}`);
    this.#separator = ",";
  }

  /** Closes the object. */
  end(): void {
    this.#pieces.add("\n]}\n");
    this.#pieces.flush();
  }
}
