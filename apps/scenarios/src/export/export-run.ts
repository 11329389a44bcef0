import {
  SeriesCollector,
  type TraceEvent,
  type TraceExporter,
  type TraceRun,
  type TraceSeries,
} from "@chronovisor/trace";
import type { RunHooks } from "../scenario/types.js";
import { type ExportOptions, exportFormatNamed } from "./formats.js";
import { refusingLonger } from "./longest-run.js";
import { ThinReadings } from "./thin-readings.js";
import { checkWindow, type TraceWindow, type WrittenStretch } from "./trace-window.js";
import { WindowClosed, type WindowOpening, WindowSink } from "./window-sink.js";

/** Carries a run out, to be called as often as needed: runs of one request emit the same events every time. */
export type PlayRun<T> = (hooks: Required<Pick<RunHooks, "trace">>) => T;

/** A run that was written. */
export interface ExportedRun<T> {
  /** What the run returned; undefined where its window ended before it did. */
  readonly result: T | undefined;
  /** What the file is of. */
  readonly head: TraceRun;
  /** What of it is in the file. */
  readonly stretch: WrittenStretch;
}

/**
 * Writes the first machine that a run shows, in the format called `format`, piece by piece as it goes: memory does not grow with the
 * run. A format whose head names the run's series, which only the run can tell, is run once more before, unless `options.series` says
 * which.
 *
 * Of a window, the file begins with an epoch and with what stood then (`StandingState`); times are true time since the start of the run
 * all the same. The run is left where the window ends.
 *
 * @param format - one of `exportFormats`.
 * @param play - carries the run out, with the hooks it is given.
 * @param write - is given the pieces of the file, in order; what it throws ends the run.
 * @param options - choices of the format.
 * @param window - the part to write; all of the run by default.
 * @throws ChronovisorError for an unknown format, a run too long for it, or a window that is none or lies beyond the run
 */
export function exportRun<T>(
  format: string,
  play: PlayRun<T>,
  write: (piece: string | Uint8Array) => void,
  options: ExportOptions = {},
  window: TraceWindow = {},
): ExportedRun<T> {
  const chosen = exportFormatNamed(format);
  checkWindow(window);
  const { opening } = chosen;
  const series = options.series ?? (chosen.head === "names series" ? seriesOf(play, window) : []);
  const { fromNs: startNs = 0n } = window;
  return playInto(play, { window, opening }, (run) =>
    refusingLonger(chosen.create({ run, write, series, options, startNs }), run, chosen),
  );
}

/** A part of a run that is held, to be written in more than one format. */
export interface RecordedRun {
  /** Plays it again. */
  readonly play: PlayRun<void>;
  readonly head: TraceRun;
  readonly stretch: WrittenStretch;
}

/**
 * Holds what happens in a window of a run, with fewer readings of clocks the longer it is: memory grows with it, so it is for a few
 * events (`window.events`).
 *
 * @throws ChronovisorError as `exportRun` does
 */
export function recordRun(play: PlayRun<unknown>, window: TraceWindow): RecordedRun {
  checkWindow(window);
  const events: TraceEvent[] = [];
  const { head, stretch } = playInto(play, { window, opening: "all that stands" }, ({ tscHz }) => {
    const thin = new ThinReadings(tscHz, { emit: (event) => void events.push(event) });
    return { emit: (event) => thin.emit(event), end: () => {} };
  });
  const replay: PlayRun<void> = ({ trace }) => {
    const sink = trace(head);
    for (const event of events) sink?.emit(event);
  };
  return { play: replay, head, stretch };
}

/** The series of a run, which it is run to find. */
function seriesOf(play: PlayRun<unknown>, window: TraceWindow): readonly TraceSeries[] {
  const collector = new SeriesCollector();
  const emit: TraceExporter["emit"] = (event) => collector.emit(event);
  playInto(play, { window, opening: "all that stands" }, () => ({ emit, end: () => {} }));
  return collector.series();
}

/** Runs once, with the first machine's events going where `open` says. */
function playInto<T>(
  play: PlayRun<T>,
  { window, opening }: { readonly window: TraceWindow; readonly opening: WindowOpening },
  open: (head: TraceRun) => TraceExporter,
): ExportedRun<T> {
  let opened: { readonly head: TraceRun; readonly sink: WindowSink } | undefined;
  let result: T | undefined;
  try {
    result = play({
      trace: (head) => {
        if (opened !== undefined) return undefined;
        opened = { head, sink: new WindowSink(head, window, open(head), opening) };
        return opened.sink;
      },
    });
  } catch (error) {
    if (!(error instanceof WindowClosed && error.sink === opened?.sink)) throw error;
  }
  if (opened === undefined)
    throw new Error("exportRun: expected a run that shows a machine, got one that shows none");
  return { result, head: opened.head, stretch: opened.sink.end() };
}
