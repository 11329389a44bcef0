import type { TraceTextRecord } from "@chronovisor/trace";

/** A record's number; 0 where the format it is in does not have it. */
export function numberOf({ fields }: TraceTextRecord, name: string): bigint {
  const value = fields[name];
  return typeof value === "bigint" ? value : 0n;
}

/** A record's text; nothing where the format it is in does not have it. */
export function textOf({ fields }: TraceTextRecord, name: string): string {
  const value = fields[name];
  return typeof value === "string" ? value : "";
}
