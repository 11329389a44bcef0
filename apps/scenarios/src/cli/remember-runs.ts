import type { Progress, RunResult } from "../scenario/types.js";
import type { CliContext } from "./context.js";
import type { JobRunner, RunJob } from "./run-job.js";

/** A run that was begun, and how far it was last heard of. */
interface Remembered {
  readonly result: Promise<RunResult>;
  readonly progress: () => Progress | undefined;
}

/** The same text for the same job, and only for it: names are in the order of their scenario and of the table of kernels. */
function keyOf(job: RunJob): string {
  return JSON.stringify(job, (_, value: unknown) =>
    typeof value === "bigint" ? { bigint: value.toString() } : value,
  );
}

/**
 * The context with a runner that runs each job once, however often it is asked for: a comparison and what explains it
 * have runs in common, and a run is a pure function of its job. One that failed or was interrupted is not remembered.
 */
export function rememberRuns<C extends Pick<CliContext, "runner">>(context: C): C {
  return { ...context, runner: remembering(context.runner) };
}

function remembering(runner: JobRunner): JobRunner {
  const runs = new Map<string, Remembered>();
  return async (job, listeners) => {
    const key = keyOf(job);
    const known = runs.get(key);
    if (known !== undefined) {
      const result = await known.result;
      const progress = known.progress();
      if (progress !== undefined) listeners.onProgress(progress);
      return result;
    }
    let latest: Progress | undefined;
    const onProgress = (progress: Progress): void => {
      latest = progress;
      listeners.onProgress(progress);
    };
    const run: Remembered = { result: runner(job, { ...listeners, onProgress }), progress: () => latest };
    runs.set(key, run);
    try {
      return await run.result;
    } catch (error) {
      runs.delete(key);
      throw error;
    }
  };
}
