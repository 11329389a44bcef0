import { SeriesCollector, type TraceRun, type TraceSeries, type TraceSink } from "@chronovisor/trace";
import type { RunHooks } from "../scenario/types.js";
import { type ExportOptions, exportFormatNamed } from "./formats.js";
import { refusingLonger } from "./longest-run.js";

/** Carries a run out, to be called as often as needed: runs of one request emit the same events every time. */
export type PlayRun<T> = (hooks: Required<Pick<RunHooks, "trace">>) => T;

/** A run that was written. */
export interface ExportedRun<T> {
  /** What the run returned. */
  readonly result: T;
  /** What the file is of. */
  readonly head: TraceRun;
}

/**
 * Writes the first machine that a run shows, in the format called `format`, piece by piece as it goes: memory does not grow with the
 * run. A format whose head names the run's series, which only the run can tell, is run once more before, unless `options.series` says
 * which.
 *
 * @param format - one of `exportFormats`.
 * @param play - carries the run out, with the hooks it is given.
 * @param write - is given the pieces of the file, in order; what it throws ends the run.
 * @param options - choices of the format.
 * @throws ChronovisorError for an unknown format, or a run too long for it
 */
export function exportRun<T>(
  format: string,
  play: PlayRun<T>,
  write: (piece: string | Uint8Array) => void,
  options: ExportOptions = {},
): ExportedRun<T> {
  const chosen = exportFormatNamed(format);
  const series = options.series ?? (chosen.head === "names series" ? seriesOf(play) : []);
  const { result, head, sink } = playInto(play, (run) =>
    refusingLonger(chosen.create({ run, write, series, options }), run, chosen),
  );
  sink.end();
  return { result, head };
}

/** The series of a run, which it is run to find. */
function seriesOf(play: PlayRun<unknown>): readonly TraceSeries[] {
  return playInto(play, () => new SeriesCollector()).sink.series();
}

/** Runs once, with the first machine's events going where `open` says. */
function playInto<T, S extends TraceSink>(
  play: PlayRun<T>,
  open: (head: TraceRun) => S,
): ExportedRun<T> & { readonly sink: S } {
  let opened: { readonly head: TraceRun; readonly sink: S } | undefined;
  const result = play({
    trace: (head) => {
      if (opened !== undefined) return undefined;
      opened = { head, sink: open(head) };
      return opened.sink;
    },
  });
  if (opened === undefined)
    throw new Error("exportRun: expected a run that shows a machine, got one that shows none");
  return { result, ...opened };
}
