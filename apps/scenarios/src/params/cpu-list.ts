/** CPU lists as the kernel writes them in `nohz_full=` and in cpulist files: `1-3,5`. */
import { ChronovisorError } from "../errors.js";

/** The highest number a CPU may have. */
export const MAX_CPU = 255;

const NONE = "none";
const RANGE = /^(\d{1,9})(?:-(\d{1,9}))?$/;

/** First and last of `text`, `3` or `1-3`; nothing when it is neither. */
function parseRange(text: string): readonly [first: number, last: number] | undefined {
  const match = RANGE.exec(text.trim());
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last ? [first, last] : undefined;
}

/**
 * The CPUs of a list such as `1-3,5`, ascending, each once; `none` for no CPU.
 *
 * @param max - the highest number allowed
 * @throws ChronovisorError for what is no list, a range that runs backwards, or a CPU above `max`
 *
 * @example
 * parseCpuList("5,1-3", 255) // => [ 1, 2, 3, 5 ]
 */
export function parseCpuList(text: string, max: number): readonly number[] {
  if (text.trim() === NONE) return [];
  const cpus = new Set<number>();
  for (const part of text.split(",")) {
    const range = parseRange(part);
    if (range === undefined) {
      throw new ChronovisorError(`expected a list of CPUs such as 1-3,5, got "${text}"`);
    }
    const [first, last] = range;
    if (last > max) throw new ChronovisorError(`expected CPUs from 0 to ${max}, got "${text}"`);
    for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu);
  }
  return [...cpus].sort((x, y) => x - y);
}

/**
 * `cpus` as the kernel prints them: neighbours as a range. `parseCpuList` gives the same CPUs back.
 *
 * @param cpus - ascending, each once
 * @example
 * formatCpuList([1, 2, 3, 5]) // => '1-3,5'
 */
export function formatCpuList(cpus: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const cpu of cpus) {
    const range = ranges.at(-1);
    if (range !== undefined && range[1] + 1 === cpu) range[1] = cpu;
    else ranges.push([cpu, cpu]);
  }
  if (ranges.length === 0) return NONE;
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}
