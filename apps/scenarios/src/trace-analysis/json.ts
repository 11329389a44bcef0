import { diagnose } from "./diagnosis.js";
import type { TraceFindings } from "./findings.js";

/** A value of JSON. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** What `explain-trace --json` prints: the diagnoses and all they rest on; 64-bit integers are decimal strings, what is unknown null. */
export function findingsToJson(findings: TraceFindings): JsonValue {
  return toJson({ ...findings, diagnoses: diagnose(findings) });
}

function toJson(value: unknown): JsonValue {
  if (typeof value === "bigint") return value.toString();
  if (value === undefined || value === null) return null;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (Array.isArray(value)) return value.map(toJson);
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(entries.map(([name, each]) => [String(name), toJson(each)]));
}
