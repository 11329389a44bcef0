import { hostTsc } from "@chronovisor/clocksource";
import { type EventField, fieldsOf } from "../event-fields.js";
import type { TraceEvent } from "../events.js";
import type { TraceRun } from "../exporter.js";
import { describe } from "./encode-event.js";
import { MAX_INTEGER, MIN_INTEGER } from "./limits.js";
import { FORMAT, VERSION } from "./run-record.js";

/** An object of JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What is wrong with a line, in the words of a complaint. */
export class Mismatch {
  readonly expected: string;
  readonly got: string;

  constructor(expected: string, got: unknown) {
    this.expected = expected;
    const text = typeof got === "string" ? got : (JSON.stringify(got) ?? "nothing");
    this.got = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  }
}

/** Decimal text as it is written: no sign on zero, no leading zeros, and no more digits than 64 bits have. */
const DECIMAL = /^(?:0|-?[1-9]\d{0,19})$/;

/** A line as an object. */
export function parseLine(line: string): JsonObject | Mismatch {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed as JsonObject;
  } catch {
    // Not JSON: told like anything else that is no object.
  }
  return new Mismatch("a JSON object", line);
}

/** The first line. */
export function decodeRun(record: JsonObject): TraceRun | Mismatch {
  const { type, format, version, scenario, kernel, params, seed, tscHz, tscKhz, cpus, vcpus } = record;
  if (type !== "run" || format !== FORMAT) return new Mismatch(`a run of format ${FORMAT}`, record);
  if (version !== VERSION) return new Mismatch(`version ${VERSION} of ${FORMAT}`, version);
  const hz = integerOf(tscHz);
  if (
    typeof scenario === "string" &&
    typeof kernel === "string" &&
    isTexts(params) &&
    isCount(seed) &&
    hz !== undefined &&
    hz >= 1n &&
    isCount(tscKhz) &&
    isCount(cpus) &&
    isCount(vcpus)
  ) {
    return { scenario, kernel, params, seed, tscHz: hz, tscKhz, cpus, vcpus };
  }
  return new Mismatch("every field of a run", record);
}

/** A line between the first and the last. */
export function decodeEvent(record: JsonObject): TraceEvent | Mismatch {
  const { type, seq, tNs, kind, at, ...values } = record;
  const fields = typeof kind === "string" ? fieldsOf(kind) : undefined;
  if (fields === undefined) return new Mismatch("a kind of event", kind);
  const expectedType = kind === "counter" || kind === "clocks" ? "sample" : "event";
  if (type !== expectedType) return new Mismatch(`type ${expectedType} for ${kind}`, type);
  const tsc = integerOf(at);
  if (tsc === undefined || tsc < 0n) return new Mismatch("a host TSC as at", at);
  const event: Record<string, unknown> = { kind, at: hostTsc(tsc) };
  let found = 0;
  for (const field of fields) {
    const value = values[field.name];
    if (Object.hasOwn(values, field.name)) found += 1;
    else if (field.presence === "optional") continue;
    if (value === null && field.presence === "unknown") {
      event[field.name] = undefined;
      continue;
    }
    const decoded = decodeValue(field, value);
    if (decoded === undefined) return new Mismatch(`${describe(field)} as ${field.name} of ${kind}`, value);
    event[field.name] = decoded;
  }
  const names = Object.keys(values);
  if (found < names.length) return new Mismatch(`no other fields of ${kind}`, names.join(", "));
  // Every field of this kind was just checked against the table that the types of events check.
  return event as unknown as TraceEvent;
}

function decodeValue({ type }: EventField, value: unknown): unknown {
  switch (type) {
    case "integer":
      return integerOf(value);
    case "count":
      return isCount(value) ? value : undefined;
    case "text":
      return typeof value === "string" ? value : undefined;
    case "clocks":
      return clocksOf(value);
    default:
      return typeof value === "string" && Object.hasOwn(type.words, value) ? value : undefined;
  }
}

function integerOf(value: unknown): bigint | undefined {
  if (typeof value !== "string" || !DECIMAL.test(value)) return undefined;
  const integer = BigInt(value);
  return integer >= MIN_INTEGER && integer <= MAX_INTEGER ? integer : undefined;
}

function clocksOf(value: unknown): ReadonlyArray<readonly [string, bigint]> | undefined {
  if (!Array.isArray(value)) return undefined;
  const clocks: [string, bigint][] = [];
  for (const pair of value) {
    if (!Array.isArray(pair) || pair.length !== 2) return undefined;
    const [name, reading] = pair;
    const ns = integerOf(reading);
    if (typeof name !== "string" || ns === undefined) return undefined;
    clocks.push([name, ns]);
  }
  return clocks;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((text) => typeof text === "string");
}
