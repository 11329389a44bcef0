import { availableParallelism } from "node:os";

/**
 * Carries jobs out, as many at a time as there are processors; results come in the order of the jobs. One that fails, or `outer`, ends
 * the others.
 */
export async function sideBySide<Job, Result>(
  jobs: readonly Job[],
  outer: AbortSignal,
  carryOut: (job: Job, index: number, signal: AbortSignal) => Promise<Result>,
): Promise<readonly Result[]> {
  const failure = new AbortController();
  const signal = AbortSignal.any([outer, failure.signal]);
  const results: Result[] = [];
  const queue = jobs.entries();
  const lane = async (): Promise<void> => {
    for (const [index, job] of queue) results[index] = await carryOut(job, index, signal);
  };
  try {
    await Promise.all(Array.from({ length: Math.min(jobs.length, availableParallelism()) }, lane));
  } finally {
    failure.abort();
  }
  return results;
}
