export { ChromeExporter } from "./chrome/chrome-exporter.js";
export { CsvEventsExporter } from "./csv/csv-events-exporter.js";
export { CsvSeriesExporter } from "./csv/csv-series-exporter.js";
export type { TraceSink } from "./event-log.js";
export { EventLog } from "./event-log.js";
export type {
  ClockEvent,
  ExpiryOutcome,
  ExpirySource,
  HostEvent,
  TimerBackend,
  TracedClocksource,
  TraceEvent,
  TraceEventKind,
  VcpuEvent,
  VcpuState,
} from "./events.js";
export type { TraceExporter, TraceRun, WriteBytes, WriteText } from "./exporter.js";
export type { FieldValue, PayloadDialect } from "./ftrace/conversions.js";
export type { FtraceOptions } from "./ftrace/ftrace-exporter.js";
export { FtraceExporter } from "./ftrace/ftrace-exporter.js";
export type { FtraceLayout } from "./ftrace/line-text.js";
export type { TraceTextOrderSummary } from "./ftrace/record-order.js";
export { TraceTextOrder } from "./ftrace/record-order.js";
export type { Fields } from "./ftrace/template.js";
export type { TraceTextEnvelope, TraceTextRecord, TraceTextResolution } from "./ftrace/text-record.js";
export type {
  Skipped,
  SkippedLine,
  SkipReason,
  TraceTextHandler,
  TraceTextSummary,
} from "./ftrace/trace-text-reader.js";
export { TraceTextReader } from "./ftrace/trace-text-reader.js";
export { JsonLinesError } from "./json-lines/json-lines-error.js";
export type { JsonLinesOptions } from "./json-lines/json-lines-exporter.js";
export { JsonLinesExporter } from "./json-lines/json-lines-exporter.js";
export type { JsonLinesReaderOptions, JsonLinesTarget } from "./json-lines/json-lines-reader.js";
export { JsonLinesReader } from "./json-lines/json-lines-reader.js";
export type { JsonTraceRun } from "./json-lines/run-record.js";
export { traceRunToJson } from "./json-lines/run-record.js";
export type { TextDigest } from "./json-lines/text-digest.js";
export { PerfettoExporter } from "./perfetto/perfetto-exporter.js";
export type { TraceSeries } from "./series/trace-series.js";
export { SeriesCollector } from "./series/trace-series.js";
export type { TimelineOptions } from "./timeline/layout.js";
export { TrueTime } from "./true-time.js";
export type { VcdStrings } from "./vcd/state-variable.js";
export type { VcdTranslateFile } from "./vcd/translate-files.js";
export { vcdTranslateFiles } from "./vcd/translate-files.js";
export type { VcdOptions } from "./vcd/vcd-exporter.js";
export { VcdExporter } from "./vcd/vcd-exporter.js";
