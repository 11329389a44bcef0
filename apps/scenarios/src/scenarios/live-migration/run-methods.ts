import type { OpenTrace } from "../../machine/trace/open-trace.js";
import { type Arrival, arrive, chosenDestination } from "./arrival.js";
import {
  CLOCK_METHODS,
  type ClockMethod,
  type LiveMigrationParams,
  TSC_METHODS,
  type TscMethod,
} from "./params.js";
import type { SavedGuest } from "./source.js";

/** By how much more the destination's CLOCK_REALTIME is ahead in the table of skews. */
export const SKEW_SHOWN_NS = 1_000_000n;

/** One row of the table of methods. */
export interface MethodOutcome {
  readonly tsc: TscMethod;
  readonly clock: ClockMethod;
  readonly arrival: Arrival;
  /** The same with CLOCK_REALTIME of the destination further ahead. */
  readonly skewed: Arrival;
}

/**
 * Restores one guest in every way, each on a destination of its own, with CLOCK_REALTIME as it is and further ahead. `openTrace` is for
 * the way of the parameters.
 */
export function runMethods(
  saved: SavedGuest,
  params: LiveMigrationParams,
  axes: Readonly<Record<string, string>>,
  openTrace?: OpenTrace,
): readonly MethodOutcome[] {
  const destination = chosenDestination(params, axes);
  return TSC_METHODS.flatMap((tsc) =>
    CLOCK_METHODS.map((clock): MethodOutcome => {
      const method = { tsc, clock, masterClock: "on" } as const;
      const isShown = tsc === params.tsc && clock === params.clock;
      const chosen = isShown ? { ...destination, openTrace } : destination;
      const arrival = arrive(saved, params, chosen, { ...method, skewNs: params.skew });
      const further = { ...method, skewNs: params.skew + SKEW_SHOWN_NS };
      const skewed = arrive(saved, params, destination, further);
      return { tsc, clock, arrival, skewed };
    }),
  );
}
