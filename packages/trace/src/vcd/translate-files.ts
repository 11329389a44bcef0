import { CPU_RUNS, VCPU_STATE } from "../event-fields.js";
import type { TraceRun } from "../exporter.js";
import { cpuRunsNumber, cpuRunsWord } from "./cpu-signals.js";

/** A file by which GTKWave shows a variable's numbers as words. */
export interface VcdTranslateFile {
  readonly name: string;
  readonly text: string;
}

/** GTKWave looks up what it shows, and it shows an integer of 32 bits as eight digits. */
function line([word, number]: readonly [string, number]): string {
  return `${number.toString(16).padStart(8, "0")} ${word}\n`;
}

/**
 * Names for the numbers of a VCD file without strings, as GTKWave's translate filter files: a line per number, in hexadecimal, and its
 * name. One for `state` of a vCPU, one for `runs` of a CPU.
 *
 * @param run - what the trace is of; its vCPUs are named.
 * @example
 * const run = { scenario: "one tick", kernel: "v6.12", params: {}, seed: 1, tscHz: 2_500_000_000n, tscKhz: 2_500_000, cpus: 1, vcpus: 1 };
 * const [state, runs] = vcdTranslateFiles(run);
 * state.text.split("\n")[2] // => '00000002 blocked'
 * runs.text // => '00000000 idle\n00000001 work\n00000002 vcpu0\n'
 */
export function vcdTranslateFiles(run: TraceRun): readonly VcdTranslateFile[] {
  const vcpus = Array.from({ length: run.vcpus }, (_, vcpu) => ({ what: "vcpu", vcpu }) as const);
  const runs: readonly (readonly [string, number])[] = [
    ["idle", CPU_RUNS.words.idle],
    ["work", CPU_RUNS.words.work],
    ...vcpus.map((vcpu) => [cpuRunsWord(vcpu), cpuRunsNumber(vcpu)] as const),
  ];
  return [
    { name: "vcpu-state.txt", text: Object.entries(VCPU_STATE.words).map(line).join("") },
    { name: "cpu-runs.txt", text: runs.map(line).join("") },
  ];
}
