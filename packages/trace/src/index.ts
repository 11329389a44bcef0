export type { TraceSink } from "./event-log.js";
export { EventLog } from "./event-log.js";
export type { TimerBackend, TraceEvent, TraceEventKind, VcpuState } from "./events.js";
