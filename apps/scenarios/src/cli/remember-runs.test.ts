import { expect, it } from "vitest";
import { parseKernel } from "../kernels/kernels.js";
import type { Progress, RunResult } from "../scenario/types.js";
import { rememberRuns } from "./remember-runs.js";
import type { JobRunner, RunJob } from "./run-job.js";

const job = (change: Partial<RunJob> = {}): RunJob => ({
  scenario: "metronome",
  kernel: parseKernel("v4.16"),
  params: { beat: 1n, cpus: [0, 1] },
  seed: 1,
  mode: "closed-form",
  ...change,
});

const halfWay: Progress = { simulatedNs: 1n, totalNs: 2n, ticks: 0n };

function counting(result: (times: number) => Promise<RunResult>): { runner: JobRunner; times: () => number } {
  let times = 0;
  const runner: JobRunner = (_job, { onProgress }) => {
    times++;
    onProgress(halfWay);
    return result(times);
  };
  return { ...rememberRuns({ runner }), times: () => times };
}

const listeners = (heard: Progress[] = []) => ({
  onProgress: (progress: Progress) => void heard.push(progress),
  signal: new AbortController().signal,
});

const resultOf = (times: number): Promise<RunResult> => Promise.resolve({ seed: times } as RunResult);

it("runs the same job once, at once or later, and tells of its progress each time", async () => {
  const { runner, times } = counting(resultOf);
  const heard: Progress[] = [];
  const both = await Promise.all([runner(job(), listeners(heard)), runner(job(), listeners(heard))]);
  const later = await runner(job(), listeners(heard));
  expect([...both, later].map(({ seed }) => seed)).toEqual([1, 1, 1]);
  expect(times()).toBe(1);
  expect(heard).toEqual([halfWay, halfWay, halfWay]);
});

it.each<[string, Partial<RunJob>]>([
  ["scenario", { scenario: "another" }],
  ["kernel", { kernel: parseKernel("v4.17") }],
  ["parameter", { params: { beat: 2n, cpus: [0, 1] } }],
  ["type of a parameter", { params: { beat: "1n", cpus: [0, 1] } }],
  ["list", { params: { beat: 1n, cpus: [0] } }],
  ["seed", { seed: 2 }],
  ["mode", { mode: "stepped" }],
])("runs a job with another %s", async (_, change) => {
  const { runner, times } = counting(resultOf);
  await runner(job(), listeners());
  await runner(job(change), listeners());
  expect(times()).toBe(2);
});

it("runs a job again that failed", async () => {
  const { runner } = counting((times) => (times === 1 ? Promise.reject(new Error("lost")) : resultOf(times)));
  await expect(runner(job(), listeners())).rejects.toThrow("lost");
  expect((await runner(job(), listeners())).seed).toBe(2);
});
