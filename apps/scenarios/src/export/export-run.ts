import { SeriesCollector, type TraceRun, type TraceSeries, type TraceSink } from "@chronovisor/trace";
import { type ExportOptions, exportFormatNamed } from "./formats.js";

/** A run, to be carried out as often as needed: runs of one request emit the same events every time. */
export interface PlayedRun<T> {
  /** What it is, for the head of a file. */
  readonly head: TraceRun;
  /** Carries it out and emits its events. */
  readonly play: (sink: TraceSink) => T;
}

/**
 * Writes a run in the format called `format`, piece by piece as it goes: memory does not grow with the run. A format whose head names
 * the run's series, which only the run can tell, is run once more before, unless `options.series` says which.
 *
 * @param format - one of `exportFormats`.
 * @param run - what is written.
 * @param write - is given the pieces of the file, in order; what it throws ends the run.
 * @param options - choices of the format.
 * @returns what playing the run returned
 * @throws ChronovisorError for an unknown format
 */
export function exportRun<T>(
  format: string,
  run: PlayedRun<T>,
  write: (piece: string | Uint8Array) => void,
  options: ExportOptions = {},
): T {
  const { head, create } = exportFormatNamed(format);
  const series = options.series ?? (head === "names series" ? seriesOf(run) : []);
  const exporter = create({ run: run.head, write, series, options });
  const result = run.play(exporter);
  exporter.end();
  return result;
}

function seriesOf({ play }: PlayedRun<unknown>): readonly TraceSeries[] {
  const collector = new SeriesCollector();
  play(collector);
  return collector.series();
}
