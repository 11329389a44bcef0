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
export { PerfettoExporter } from "./perfetto/perfetto-exporter.js";
export type { TimelineOptions } from "./timeline/layout.js";
export { TrueTime } from "./true-time.js";
