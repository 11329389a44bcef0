export { ChromeExporter } from "./chrome/chrome-exporter.js";
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
export { PerfettoExporter } from "./perfetto/perfetto-exporter.js";
export type { TimelineOptions } from "./timeline/layout.js";
export { TrueTime } from "./true-time.js";
