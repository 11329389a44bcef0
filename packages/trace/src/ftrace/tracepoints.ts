import { KVM_TRACEPOINTS } from "./kvm-events.js";
import { TIMER_TRACEPOINTS } from "./timer-events.js";
import type { Tracepoint } from "./tracepoint.js";

/** Every tracepoint that is written and read, by name. */
export const TRACEPOINTS: ReadonlyMap<string, Tracepoint> = new Map(
  [...KVM_TRACEPOINTS, ...TIMER_TRACEPOINTS].map((tracepoint) => [tracepoint.name, tracepoint]),
);

/**
 * A tracepoint's table entry.
 *
 * @throws RangeError for one that is not in the tables.
 */
export function tracepointNamed(name: string): Tracepoint {
  const found = TRACEPOINTS.get(name);
  if (found !== undefined) return found;
  throw new RangeError(
    `tracepointNamed: expected one of ${[...TRACEPOINTS.keys()].join(", ")}, got "${name}"`,
  );
}
