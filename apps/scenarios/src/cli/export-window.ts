import type { Command } from "commander";
import { ChronovisorError } from "../errors.js";
import type { TraceWindow } from "../export/trace-window.js";
import { parseQuantity } from "../units/parse-quantity.js";
import { once } from "./options.js";

/** Which part of a run is written. */
export interface WindowOptions {
  readonly from?: string;
  readonly to?: string;
}

/** Adds `--from` and `--to`. */
export function addWindowOptions(command: Command): Command {
  return command
    .option(
      "--from <time>",
      "write what happens from then on, and what stands then; true time from the run's start, as 10s",
      once("--from"),
    )
    .option("--to <time>", "write what happens before then, and leave the run there", once("--to"));
}

function timeOf(name: string, text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  let ns: bigint;
  try {
    ns = parseQuantity(text, "ns");
  } catch (error) {
    if (error instanceof ChronovisorError) throw new ChronovisorError(`${name}: ${error.message}`);
    throw error;
  }
  if (ns >= 0n) return ns;
  throw new ChronovisorError(`${name}: expected a time from the run's start on, got "${text}"`);
}

/**
 * The part of a run that the options ask for; whether the run gets there, only the run can tell.
 *
 * @throws ChronovisorError for what is no time, lies before the run, or ends before it begins
 */
export function windowOf(options: WindowOptions): TraceWindow {
  const fromNs = timeOf("--from", options.from);
  const toNs = timeOf("--to", options.to);
  if (toNs !== undefined && toNs <= (fromNs ?? 0n)) {
    const start = options.from === undefined ? "the run's start" : `--from ${options.from}`;
    throw new ChronovisorError(`--to: expected a time after ${start}, got "${options.to}"`);
  }
  return { ...(fromNs === undefined ? {} : { fromNs }), ...(toNs === undefined ? {} : { toNs }) };
}
