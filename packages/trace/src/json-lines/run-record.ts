import type { TraceRun } from "../exporter.js";

/** Name and version of the format, on its first line (docs/model/trace-formats §4). */
export const FORMAT = "chronovisor-events";
export const VERSION = 1;

/** What a trace is of, JSON-safe: 64-bit quantities are decimal text. */
export interface JsonTraceRun {
  readonly scenario: string;
  readonly kernel: string;
  readonly params: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly tscHz: string;
  readonly tscKhz: number;
  readonly cpus: number;
  readonly vcpus: number;
}

/**
 * What a trace is of as a JSON-safe object, its keys in a fixed order: the head of a JSON Lines file, and what lies beside a CSV file,
 * which has no room for it.
 *
 * @param run - the run; parameters that are not listed in `TraceRun` are left out.
 * @throws RangeError for a seed, frequency or count of the run that is no safe integer.
 * @example
 * const run = { scenario: "one tick", kernel: "v6.12", params: { period: "1ms" }, seed: 1, tscHz: 2_500_000_000n, tscKhz: 2_500_000, cpus: 1, vcpus: 1 };
 * traceRunToJson(run).tscHz // => '2500000000'
 * Object.keys(traceRunToJson(run)).join(" ") // => 'scenario kernel params seed tscHz tscKhz cpus vcpus'
 */
export function traceRunToJson(run: TraceRun): JsonTraceRun {
  for (const name of ["seed", "tscKhz", "cpus", "vcpus"] as const) {
    if (Number.isSafeInteger(run[name])) continue;
    throw new RangeError(`traceRunToJson: expected a safe integer as ${name}, got ${run[name]}`);
  }
  return {
    scenario: run.scenario,
    kernel: run.kernel,
    params: { ...run.params },
    seed: run.seed,
    tscHz: run.tscHz.toString(),
    tscKhz: run.tscKhz,
    cpus: run.cpus,
    vcpus: run.vcpus,
  };
}
