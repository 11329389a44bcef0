import { formatInput } from "../units/format-exact.js";
import { formatCpuList } from "./cpu-list.js";
import type { ParamMeta } from "./param-meta.js";

/**
 * A parsed parameter as it would be typed: parsing it gives the same value back.
 *
 * @throws TypeError for a value that the parameter's schema does not give.
 */
export function paramInput(meta: ParamMeta, value: unknown): string {
  if (meta.kind === "quantity" && typeof value === "bigint") return formatInput(value, meta.unit);
  if (meta.kind === "cpus" && Array.isArray(value)) return formatCpuList(value);
  if (meta.kind === "choice" && typeof value === "string") return value;
  throw new TypeError(`paramInput: expected a parsed ${meta.kind}, got ${String(value)}`);
}
