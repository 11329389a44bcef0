import type { Mismatch, Row } from "./replay.js";

const DECIMAL = /^-?(?:0|[1-9][0-9]*)$/;

/** A line that does not follow its file's layout. The run stops there and says where. */
export class MalformedRow extends Error {
  override readonly name = "MalformedRow";
  /** The JSON column (the member's name) at fault. */
  readonly column: string;

  constructor(column: string, expected: string, value: unknown) {
    super(
      value === undefined
        ? `column "${column}" is missing (expected ${expected})`
        : `column "${column}": expected ${expected}, got ${quoted(value)}`,
    );
    this.column = column;
  }
}

/** Longer values are cut: the error is one line, and says where the value stands. */
const MAX_QUOTED_LENGTH = 60;

function quoted(value: unknown): string {
  const json = JSON.stringify(value);
  return json.length > MAX_QUOTED_LENGTH ? `${json.slice(0, MAX_QUOTED_LENGTH)}…` : json;
}

/** Reads an integer of any size: a decimal string, or a JSON number that is exact. */
export function big(row: Row, column: string): bigint {
  const value = row[column];
  if (typeof value === "string" && DECIMAL.test(value)) return BigInt(value);
  if (Number.isSafeInteger(value)) return BigInt(value as number);
  throw new MalformedRow(column, "a decimal string", value);
}

/** Reads an integer of 32 bits or fewer, written as a JSON number. */
export function num(row: Row, column: string): number {
  const value = row[column];
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new MalformedRow(column, "an integer", value);
}

/** Reads `true` or `false`. */
export function bool(row: Row, column: string): boolean {
  const value = row[column];
  if (typeof value === "boolean") return value;
  throw new MalformedRow(column, "true or false", value);
}

/** Reads a string. */
export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === "string") return value;
  throw new MalformedRow(column, "a string", value);
}

/** Reads a string that must be one of `allowed`. */
export function oneOf<T extends string>(row: Row, column: string, allowed: readonly T[]): T {
  const value = row[column];
  const found = allowed.find((name) => name === value);
  if (found !== undefined) return found;
  throw new MalformedRow(column, `one of ${allowed.join(", ")}`, value);
}

/** As `big`, with `null` (the operation has no result) read as undefined. A missing column is still malformed. */
export function maybeBig(row: Row, column: string): bigint | undefined {
  return row[column] === null ? undefined : big(row, column);
}

/** As `num`, with `null` read as undefined. A missing column is still malformed. */
export function maybeNum(row: Row, column: string): number | undefined {
  return row[column] === null ? undefined : num(row, column);
}

/** Reads a JSON array. */
export function list(row: Row, column: string): readonly unknown[] {
  const value = row[column];
  if (Array.isArray(value)) return value;
  throw new MalformedRow(column, "a list", value);
}

/** Reads a JSON object. */
export function object(row: Row, column: string): Row {
  const value = row[column];
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Row;
  throw new MalformedRow(column, "an object", value);
}

/** Reads a JSON array of objects. */
export function objects(row: Row, column: string): readonly Row[] {
  return list(row, column).map((member) => object({ [column]: member }, column));
}

/**
 * Compares column by column and returns the columns that differ, bigints as decimal strings.
 *
 * Integers are compared by value, so 5n, 5 and "5" agree; undefined agrees with null, the file's "no result".
 */
export function compare(
  expected: Readonly<Record<string, unknown>>,
  got: Readonly<Record<string, unknown>>,
): Mismatch | undefined {
  const differing = [...new Set([...Object.keys(expected), ...Object.keys(got)])].filter(
    (column) => canonical(expected[column]) !== canonical(got[column]),
  );
  if (differing.length === 0) return undefined;
  return { expected: pick(expected, differing), got: pick(got, differing) };
}

/** Turns a value into what JSON can carry: bigints become decimal strings, undefined becomes null. */
export function jsonSafe(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map(jsonSafe);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, jsonSafe(member)]));
  }
  return value;
}

function pick(columns: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, jsonSafe(columns[name])]));
}

/** One spelling per value, so that equal values have equal text whatever type carried them. */
function canonical(value: unknown): string {
  if (value === undefined || value === null) return "null";
  if (typeof value === "bigint" || Number.isSafeInteger(value)) return `"${value}"`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object") {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? String(value);
}
