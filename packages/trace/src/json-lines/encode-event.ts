import { type EventField, fieldsOf } from "../event-fields.js";
import type { TraceEvent } from "../events.js";
import { MAX_INTEGER, MIN_INTEGER } from "./limits.js";

/**
 * An event as the line that says it, without its end: `type`, `seq`, `tNs`, `kind`, `at`, then its own fields in a fixed order.
 * A reading of a quantity is a `sample`, anything else an `event`.
 *
 * @throws RangeError naming `fnName` for a field that the event's type does not allow.
 */
export function encodeEvent(event: TraceEvent, seq: number, tNs: bigint, fnName: string): string {
  const fields = fieldsOf(event.kind);
  if (fields === undefined) throw new RangeError(`${fnName}: expected a kind of event, got ${event.kind}`);
  const values: Readonly<Record<string, unknown>> = { ...event };
  const type = event.kind === "counter" || event.kind === "clocks" ? "sample" : "event";
  let line = `{"type":"${type}","seq":${seq},"tNs":"${tNs}","kind":"${event.kind}","at":"${event.at}"`;
  for (const field of fields) {
    const value = values[field.name];
    if (value === undefined && field.presence === "optional") continue;
    const text = value === undefined && field.presence === "unknown" ? "null" : encodeValue(field, value);
    if (text === undefined) {
      throw new RangeError(
        `${fnName}: expected ${describe(field)} as ${field.name} of ${event.kind}, got ${String(value)}`,
      );
    }
    line += `,"${field.name}":${text}`;
  }
  return `${line}}`;
}

/** A value in JSON, or `undefined` for one that is none of the field's. */
function encodeValue({ type }: EventField, value: unknown): string | undefined {
  switch (type) {
    case "integer":
      return encodeInteger(value);
    case "count":
      return Number.isSafeInteger(value) ? String(value) : undefined;
    case "text":
      return typeof value === "string" ? JSON.stringify(value) : undefined;
    case "clocks":
      return encodeClocks(value);
    default:
      return typeof value === "string" && Object.hasOwn(type.words, value) ? `"${value}"` : undefined;
  }
}

function encodeInteger(value: unknown): string | undefined {
  return typeof value === "bigint" && value >= MIN_INTEGER && value <= MAX_INTEGER ? `"${value}"` : undefined;
}

function encodeClocks(value: unknown): string | undefined {
  if (!Array.isArray(value)) return undefined;
  const clocks: string[] = [];
  for (const [name, ns] of value) {
    const reading = encodeInteger(ns);
    if (typeof name !== "string" || reading === undefined) return undefined;
    clocks.push(`[${JSON.stringify(name)},${reading}]`);
  }
  return `[${clocks.join(",")}]`;
}

/** What a field may hold, in words. */
export function describe({ type }: EventField): string {
  switch (type) {
    case "integer":
      return "an integer of 64 bits";
    case "count":
      return "a safe integer";
    case "text":
      return "text";
    case "clocks":
      return "pairs of a name and ns";
    default:
      return `one of ${Object.keys(type.words).join(", ")}`;
  }
}
