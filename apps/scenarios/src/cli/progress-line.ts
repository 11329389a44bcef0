import { SingleBar } from "cli-progress";
import type { Progress } from "../scenario/types.js";
import { formatQuantity } from "../units/format-quantity.js";

/** Shorter runs are over before a line could be read. */
const PATIENCE_MS = 1000;
/** Resolution of the bar: shares are integers out of this. */
const FULL = 1000;

/** How far several runs have come together. */
export interface ProgressLine {
  readonly update: (job: number, progress: Progress) => void;
  /** Erases the line. */
  readonly stop: () => void;
}

const silent: ProgressLine = { update: () => {}, stop: () => {} };

/** Shares of all jobs added up; a job not heard of yet has come nowhere. */
function total(latest: readonly (Progress | undefined)[]): {
  readonly share: number;
  readonly simulatedNs: bigint;
} {
  let share = 0;
  let simulatedNs = 0n;
  for (const progress of latest) {
    if (progress === undefined || progress.totalNs <= 0n) continue;
    share += Number((progress.simulatedNs * BigInt(FULL)) / progress.totalNs);
    simulatedNs += progress.simulatedNs;
  }
  return { share: Math.min(FULL, Math.floor(share / latest.length)), simulatedNs };
}

/** The line: what, share done, simulated time, rate, time left. */
export function progressText(what: string, share: number, simulatedNs: bigint, elapsedMs: number): string {
  const rate = Math.round(Number(simulatedNs) / 1e6 / Math.max(elapsedMs, 1));
  const left = share > 0 ? Math.ceil((elapsedMs * (FULL - share)) / share / 1000) : undefined;
  return [
    what,
    `${Math.floor((share * 100) / FULL)} %`,
    `${formatQuantity(simulatedNs, "ns")} simulated`,
    `${rate}× real time`,
    ...(left === undefined ? [] : [`${left} s left`]),
  ].join(" · ");
}

/**
 * One line on `stream` that tells how `jobs` runs come along, drawn once they have taken a second and erased by `stop`.
 *
 * @param stream - a terminal; undefined draws nothing
 * @param now - milliseconds of a clock that does not go back
 */
export function progressLine(
  stream: NodeJS.WritableStream | undefined,
  what: string,
  jobs: number,
  now: () => number,
): ProgressLine {
  if (stream === undefined) return silent;
  const startedAt = now();
  const latest: (Progress | undefined)[] = Array.from({ length: jobs }, () => undefined);
  const bar = new SingleBar({
    stream,
    clearOnComplete: true,
    hideCursor: true,
    // A line that wraps cannot be erased.
    linewrap: false,
    // The main thread leaves SIGINT to the command, which stops this line on its way out.
    gracefulExit: false,
    format: (_options, { value }) => progressText(what, value, total(latest).simulatedNs, now() - startedAt),
  });
  let state: "waiting" | "drawn" | "stopped" = "waiting";
  return {
    update: (job, progress) => {
      latest[job] = progress;
      if (state === "stopped" || now() - startedAt < PATIENCE_MS) return;
      const { share } = total(latest);
      if (state === "waiting") {
        state = "drawn";
        bar.start(FULL, share);
      } else bar.update(share);
    },
    stop: () => {
      if (state === "drawn") bar.stop();
      state = "stopped";
    },
  };
}
