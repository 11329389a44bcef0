import { ChronovisorError } from "../errors.js";
import { formatInput } from "../units/format-exact.js";

/** The part of a run that is written; all of it where nothing is said. */
export interface TraceWindow {
  /** True time from the run's start at which it begins, ns. */
  readonly fromNs?: bigint;
  /** True time at which it ends, ns: what happens then is not in it, and the run is not carried on. */
  readonly toNs?: bigint;
  /** So many events at most, readings of clocks not counted; then the run is not carried on either. */
  readonly events?: number;
}

/** What was written of a run. */
export interface WrittenStretch {
  /** True time of the first and the last event, ns. */
  readonly fromNs: bigint;
  readonly toNs: bigint;
  /** Events of the run, without readings of clocks and those that only say what stood at the beginning. */
  readonly events: number;
  /** Whether the run came to its end, or was left where the window ends. */
  readonly ended: "with the run" | "by the window";
}

/** A stretch, JSON-safe: times as decimal text. */
export interface JsonStretch {
  readonly fromNs: string;
  readonly toNs: string;
  readonly events: number;
  readonly ended: WrittenStretch["ended"];
}

/** A stretch as it goes into JSON. */
export function stretchToJson({ fromNs, toNs, events, ended }: WrittenStretch): JsonStretch {
  return { fromNs: fromNs.toString(), toNs: toNs.toString(), events, ended };
}

/**
 * Checks a window for what no run could mend.
 *
 * @throws ChronovisorError for a negative time, an end that is not after the beginning, or a number of events below 1
 */
export function checkWindow({ fromNs, toNs, events }: TraceWindow): void {
  checkTime("from", fromNs);
  checkTime("to", toNs);
  if (toNs !== undefined && toNs <= (fromNs ?? 0n)) {
    const start = formatInput(fromNs ?? 0n, "ns");
    throw new ChronovisorError(`to: expected a time after ${start}, got ${formatInput(toNs, "ns")}`);
  }
  if (events !== undefined && !(Number.isInteger(events) && events >= 1)) {
    throw new ChronovisorError(`events: expected a whole number of at least 1, got ${events}`);
  }
}

function checkTime(name: string, ns: bigint | undefined): void {
  if (ns === undefined || (typeof ns === "bigint" && ns >= 0n)) return;
  throw new ChronovisorError(`${name}: expected a time from the start of the run on, got ${ns}`);
}
