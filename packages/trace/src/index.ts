export type { TraceSink } from "./event-log.js";
export { EventLog } from "./event-log.js";
export type {
  ExpiryOutcome,
  ExpirySource,
  TimerBackend,
  TraceEvent,
  TraceEventKind,
  VcpuState,
} from "./events.js";
