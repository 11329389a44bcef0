import type { Host } from "../machine/host/host.js";
import type { RunHooks } from "../scenario/types.js";

/**
 * Runs the machine to each instant of `instants` (true ns since the start, ascending) and calls `at` there; reports
 * progress and honours an abort between them.
 */
export function runSampled(
  host: Host,
  instants: Iterable<bigint>,
  totalNs: bigint,
  hooks: RunHooks,
  at: (ns: bigint) => bigint,
): void {
  for (const ns of instants) {
    hooks.signal?.throwIfAborted();
    host.engine.runUntil(host.tscAt(ns));
    const ticks = at(ns);
    hooks.onProgress?.({ simulatedNs: ns, totalNs, ticks });
  }
}

/** `count` instants evenly spaced over `lengthNs`, the last one at its end. */
export function evenInstants(lengthNs: bigint, count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => (lengthNs * BigInt(i + 1)) / BigInt(count));
}

/** Both lists in ascending order, each instant once. */
export function mergeInstants(a: readonly bigint[], b: readonly bigint[]): bigint[] {
  const sorted = [...a, ...b].sort((x, y) => (x < y ? -1 : x > y ? 1 : 0));
  return sorted.filter((ns, i) => i === 0 || ns !== sorted[i - 1]);
}
