import { unknownName } from "../errors.js";
import { colourStyle, plainStyle, type Style } from "../render/style.js";
import type { ScenarioDefinition } from "../scenario/types.js";
import type { JobExporter, JobRunner } from "./run-job.js";
import type { Terminal } from "./terminal.js";

/** What every command works with. Tests replace all of it. */
export interface CliContext {
  readonly terminal: Terminal;
  readonly scenarios: readonly ScenarioDefinition[];
  readonly runner: JobRunner;
  readonly exporter: JobExporter;
  /** Calls `work` with a signal that Ctrl-C aborts; outside of it Ctrl-C ends the process as usual. */
  readonly interruptible: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>;
  /** Milliseconds of a clock that does not go back: for people, never in a result. */
  readonly now: () => number;
  /** Called by a command that came to its end, with the code to exit with. */
  readonly done: (exitCode: number) => void;
}

/**
 * The scenario called `id`.
 *
 * @throws ChronovisorError naming the nearest one
 */
export function scenarioNamed(context: CliContext, id: string): ScenarioDefinition {
  const found = context.scenarios.find((scenario) => scenario.id === id);
  if (found !== undefined) return found;
  throw unknownName(
    "scenario",
    id,
    context.scenarios.map((scenario) => scenario.id),
  );
}

/** The style a screen is printed in. */
export function styleOf({ terminal }: CliContext): Style {
  return terminal.colour === "on" ? colourStyle : plainStyle;
}
