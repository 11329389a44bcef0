import { createReadStream } from "node:fs";
import { ChronovisorError } from "../errors.js";
import { jsonFaultColumn } from "./json-fault.js";
import type { Row } from "./replay.js";

/** A row and where it stands: `line` counts from 1, `text` is the line as written. */
export interface PlacedRow {
  readonly line: number;
  readonly text: string;
  readonly row: Row;
}

/**
 * Reads a JSON Lines file as a stream, one object per line.
 *
 * @param path - the file
 * @param label - the name used in errors, such as `lapic/tmcct.jsonl`
 * @throws ChronovisorError naming the file, and the line and column where there is one: unreadable, empty, cut off
 * in the middle of a row, or a line that is not a JSON object.
 */
export async function* readRows(path: string, label: string): AsyncGenerator<PlacedRow> {
  let line = 0;
  let rest = "";
  for await (const chunk of decoded(path, label)) {
    // Splitting flattens the text: done for every chunk, it would take a long line's length squared.
    if (!chunk.includes("\n")) {
      rest += chunk;
      continue;
    }
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const text of lines) {
      line += 1;
      yield { line, text, row: parseRow(text, line, label) };
    }
  }
  if (rest !== "") {
    line += 1;
    // Only the last line of a file can lack its newline. When its JSON runs off the end, the file was cut.
    if ((jsonFaultColumn(rest) ?? 0) > rest.length) {
      throw new ChronovisorError(`${label}:${line}:${rest.length + 1}: the file ends in the middle of a row`);
    }
    yield { line, text: rest, row: parseRow(rest, line, label) };
  }
  if (line === 0) throw new ChronovisorError(`${label}: the file is empty`);
}

async function* decoded(path: string, label: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for await (const bytes of createReadStream(path)) yield decoder.decode(bytes as Buffer, { stream: true });
    yield decoder.decode();
  } catch (error) {
    throw new ChronovisorError(`${label}: cannot be read: ${reason(error)}`);
  }
}

function parseRow(text: string, line: number, label: string): Row {
  const value = parseJson(text, line, label);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ChronovisorError(`${label}:${line}:1: expected a JSON object, found ${text.slice(0, 20)}`);
  }
  return value as Row;
}

function parseJson(text: string, line: number, label: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const column = jsonFaultColumn(text) ?? 1;
    const found = column > text.length ? "the end of the line" : JSON.stringify(text[column - 1]);
    throw new ChronovisorError(`${label}:${line}:${column}: expected JSON, found ${found}`);
  }
}

function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return "no such file";
  if (code === "EACCES") return "permission denied";
  if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") return "it is not UTF-8";
  return error instanceof Error ? error.message : String(error);
}
