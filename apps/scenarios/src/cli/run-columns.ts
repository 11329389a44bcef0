import type { KernelChoice } from "../kernels/kernels.js";
import type { Column } from "../render/column.js";
import type { RunResult, ScenarioDefinition } from "../scenario/types.js";
import type { CliContext } from "./context.js";
import { progressLine } from "./progress-line.js";
import type { RunJob } from "./run-job.js";
import { sideBySide } from "./side-by-side.js";

/** Kernels to run a scenario on, each with the words over its column. */
export interface LabelledKernel {
  readonly label: string;
  readonly kernel: KernelChoice;
}

/** What the columns share. */
export type SharedJob = Pick<RunJob, "params" | "seed" | "mode" | "document">;

export interface FinishedColumns {
  readonly columns: readonly Column[];
  /** What the runs took together on this machine. */
  readonly wallMs: number;
}

/** Carries jobs out side by side on the machine's processors, with a progress line for all of them. */
export async function runJobs(
  context: CliContext,
  what: string,
  jobs: readonly RunJob[],
): Promise<readonly RunResult[]> {
  const line = progressLine(context.terminal.progress, what, jobs.length, context.now);
  try {
    return await context.interruptible((outer) =>
      sideBySide(jobs, outer, (job, index, signal) =>
        context.runner(job, { signal, onProgress: (progress) => line.update(index, progress) }),
      ),
    );
  } finally {
    line.stop();
  }
}

/** Runs a scenario once per kernel. */
export async function runColumns(
  context: CliContext,
  what: string,
  scenario: ScenarioDefinition,
  kernels: readonly LabelledKernel[],
  shared: SharedJob,
): Promise<FinishedColumns> {
  const startedAt = context.now();
  const jobs = kernels.map(({ kernel }) => ({ scenario: scenario.id, kernel, ...shared }));
  const results = await runJobs(context, what, jobs);
  const columns = results.map((result, index) => ({
    label: kernels[index]?.label ?? result.kernel,
    result,
  }));
  return { columns, wallMs: context.now() - startedAt };
}
