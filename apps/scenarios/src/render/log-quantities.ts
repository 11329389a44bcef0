/** How quantities of a log are written: counts, instants as the log has them, rates, vCPUs and their timers by name. */
import type { GuestTimerKind, LogFindings } from "../trace-analysis/findings.js";
import type { TallySummary } from "../trace-analysis/tally.js";
import type { VcpuName } from "../trace-analysis/vcpu-directory.js";
import { formatQuantity } from "../units/format-quantity.js";
import { groupThousands } from "../units/group-thousands.js";

/** What the times of a log count. */
export type LogUnit = LogFindings["unit"];

export const TIMER_NAMES: Readonly<Record<GuestTimerKind, string>> = {
  lapic: "LAPIC timer",
  xen: "Xen timer",
  "hyper-v": "Hyper-V timer",
};

export const count = (value: number | bigint): string => groupThousands(BigInt(value));
export const ns = (value: bigint): string => formatQuantity(value, "ns");
export const change = (value: bigint): string => formatQuantity(value, "ns", { signs: "both" });
export const cycles = (value: bigint): string => formatQuantity(value, "cycles");

/** An instant of the log's clock, as the log prints it. */
export function instant(time: bigint, unit: LogUnit): string {
  if (unit === "cycles") return `cycle ${groupThousands(time)}`;
  const us = (time + 500n) / 1_000n;
  return `${us / 1_000_000n}.${(us % 1_000_000n).toString().padStart(6, "0")}`;
}

/** Parts per 10^12 as ppb with three decimals. */
export function rate(ppt: bigint): string {
  const size = ppt < 0n ? -ppt : ppt;
  return `${size / 1_000n}.${(size % 1_000n).toString().padStart(3, "0")} ppb`;
}

export function vcpuText({ id, pid }: VcpuName): string {
  return pid === undefined ? `vCPU ${id}` : `vCPU ${id} (thread ${pid})`;
}

export function meanAndMax({ count: n, sum, max }: TallySummary, unit: LogUnit): string {
  const mean = sum / BigInt(n === 0 ? 1 : n);
  return `mean ${formatQuantity(mean, unit)}, max ${formatQuantity(max, unit)}`;
}

/** `1 line`, `2 lines`, `3 expiries`. */
export function counted(value: number | bigint, one: string, many = `${one}s`): string {
  return `${count(value)} ${BigInt(value) === 1n ? one : many}`;
}

/** `once`, `2 times`. */
export function times(value: number | bigint): string {
  return BigInt(value) === 1n ? "once" : `${count(value)} times`;
}
