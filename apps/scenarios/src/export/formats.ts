import {
  ChromeExporter,
  CsvEventsExporter,
  CsvSeriesExporter,
  FtraceExporter,
  type FtraceOptions,
  JsonLinesExporter,
  PerfettoExporter,
  type TimelineOptions,
  type TraceExporter,
  type TraceRun,
  type TraceSeries,
  traceRunToJson,
  VcdExporter,
  type VcdOptions,
  vcdTranslateFiles,
} from "@chronovisor/trace";
import { unknownName } from "../errors.js";
import { sha256 } from "./sha256.js";
import type { WindowOpening } from "./window-sink.js";

/** What can be chosen about a file of each format; formats take no notice of others' choices. */
export interface ExportOptions {
  /** Of perfetto and chrome. */
  readonly timeline?: Omit<TimelineOptions, "startNs">;
  readonly ftrace?: FtraceOptions;
  readonly vcd?: Omit<VcdOptions, "series" | "startNs">;
  /** Which series csv-series and vcd have; all of the run by default, for which it is run once more. */
  readonly series?: readonly TraceSeries[];
}

/** A small file that belongs beside an export. */
export interface CompanionFile {
  /** What it is called, behind the export's name without its extension. */
  readonly suffix: string;
  readonly text: string;
}

/** What an exporter is made from. */
export interface ExportTarget {
  readonly run: TraceRun;
  readonly write: (piece: string | Uint8Array) => void;
  readonly series: readonly TraceSeries[];
  readonly options: ExportOptions;
  /** Where the file begins, true ns. */
  readonly startNs: bigint;
}

/** A format that runs are written in. */
export interface ExportFormat {
  readonly name: string;
  /** What it is for, in a few words. */
  readonly title: string;
  readonly extension: string;
  /** Whether its head names the series, so that they must be known before the first event. */
  readonly head: "plain" | "names series";
  /** What of that which stood before is told where a window begins: a log says nothing that did not happen then. */
  readonly opening: WindowOpening;
  readonly create: (target: ExportTarget) => TraceExporter;
  readonly companions: (run: TraceRun) => readonly CompanionFile[];
  /** Where a run gets too long for it, and what to do then. */
  readonly longest?: { readonly ns: bigint; readonly text: string; readonly advice: string };
}

const alone = (): readonly CompanionFile[] => [];

/** A table has no room for what it is of. */
function runBeside(run: TraceRun): readonly CompanionFile[] {
  return [{ suffix: ".run.json", text: `${JSON.stringify(traceRunToJson(run), undefined, 2)}\n` }];
}

function namesBeside(run: TraceRun): readonly CompanionFile[] {
  return vcdTranslateFiles(run).map(({ name, text }) => ({ suffix: `.${name}`, text }));
}

/** Every format, in the order a person is likely to want them. */
export const exportFormats: readonly ExportFormat[] = [
  {
    name: "perfetto",
    title: "ui.perfetto.dev and trace_processor",
    extension: ".pftrace",
    head: "plain",
    opening: "all that stands",
    create: ({ run, write, options, startNs }) =>
      new PerfettoExporter(run, write, { ...options.timeline, startNs }),
    companions: alone,
  },
  {
    name: "chrome",
    title: "Chrome JSON trace events, for chrome://tracing and speedscope",
    extension: ".json",
    head: "plain",
    opening: "all that stands",
    create: ({ run, write, options }) => new ChromeExporter(run, write, options.timeline),
    companions: alone,
    longest: { ns: 2n ** 42n * 1_000n, text: "50.9 days", advice: "perfetto takes any" },
  },
  {
    name: "ftrace",
    title: "the kernel's log of tracepoints",
    extension: ".txt",
    head: "plain",
    opening: "who runs",
    create: ({ run, write, options }) => new FtraceExporter(run, write, options.ftrace),
    companions: alone,
  },
  {
    name: "csv",
    title: "a table of events",
    extension: ".csv",
    head: "plain",
    opening: "all that stands",
    create: ({ run, write }) => new CsvEventsExporter(run, write),
    companions: runBeside,
  },
  {
    name: "csv-series",
    title: "a table of counters and clocks over time",
    extension: ".csv",
    head: "names series",
    opening: "all that stands",
    create: ({ run, write, series }) => new CsvSeriesExporter(run, write, series),
    companions: runBeside,
  },
  {
    name: "jsonl",
    title: "JSON Lines, without loss, to be read back",
    extension: ".jsonl",
    head: "plain",
    opening: "all that stands",
    create: ({ run, write }) => new JsonLinesExporter(run, write, { digest: sha256() }),
    companions: alone,
  },
  {
    name: "vcd",
    title: "GTKWave, Surfer and other waveform viewers",
    extension: ".vcd",
    head: "names series",
    opening: "all that stands",
    create: ({ run, write, series, options, startNs }) =>
      new VcdExporter(run, write, { ...options.vcd, series, startNs }),
    companions: namesBeside,
  },
];

/**
 * The format called `name`.
 *
 * @throws ChronovisorError naming the nearest one
 */
export function exportFormatNamed(name: string): ExportFormat {
  const found = exportFormats.find((format) => format.name === name);
  if (found !== undefined) return found;
  throw unknownName(
    "format",
    name,
    exportFormats.map((format) => format.name),
  );
}
