import type { RunResult } from "../../scenario/types.js";
import { formatQuantity } from "../../units/format-quantity.js";
import { magnitude } from "../../units/magnitude.js";

/** Differences that are floors of conversions, ns. */
const FLOORS_NS = 4n;

/** One line: what the move did to the TSC, and what to the clock. */
export function verdict({ observations }: RunResult, name: string): string {
  const ns = (key: string): bigint => BigInt(observations[key]?.value ?? 0n);
  const [tscNs, clockNs] = [ns("tscAhead"), ns("clockAhead")];
  const isByTsc = isNothing(ns("clockAgainstTsc"));
  if (isNothing(tscNs) && isNothing(clockNs)) return `${name}: the guest's TSC and clock survive the move`;
  if (isByTsc && isNothing(tscNs)) {
    return `${name}: the guest's TSC survives the move, and its clock goes on as that says`;
  }
  if (isByTsc) return `${name}: the move puts the guest's TSC ${place(tscNs)}, and its clock with it`;
  const tsc = isNothing(tscNs) ? "right" : place(tscNs);
  const clock = isNothing(clockNs) ? "right" : place(clockNs);
  return `${name}: after the move the guest's TSC is ${tsc}, and its clock is ${clock}`;
}

function isNothing(ns: bigint): boolean {
  return magnitude(ns) <= FLOORS_NS;
}

function place(ns: bigint): string {
  return `${formatQuantity(magnitude(ns), "ns")} ${ns < 0n ? "behind" : "ahead"}`;
}
