/**
 * Field numbers of the Perfetto protobuf messages that this package writes, from `protos/perfetto/trace/**.proto` of google/perfetto
 * (docs/model/trace-formats §1.2). The numbers are the format: they never change.
 */

export const TRACE = { packet: 1 } as const;

export const TRACE_PACKET = {
  clockSnapshot: 6,
  timestamp: 8,
  trustedPacketSequenceId: 10,
  trackEvent: 11,
  internedData: 12,
  sequenceFlags: 13,
  tracePacketDefaults: 59,
  trackDescriptor: 60,
} as const;

/** `TracePacket.sequence_flags`, or-ed. */
export const SEQUENCE_FLAGS = { incrementalStateCleared: 1, needsIncrementalState: 2 } as const;

export const TRACE_PACKET_DEFAULTS = { trackEventDefaults: 11 } as const;
export const TRACK_EVENT_DEFAULTS = { trackUuid: 11 } as const;

export const CLOCK_SNAPSHOT = { clocks: 1, primaryTraceClock: 2 } as const;
export const CLOCK = { clockId: 1, timestamp: 2 } as const;

export const TRACK_DESCRIPTOR = {
  uuid: 1,
  name: 2,
  process: 3,
  thread: 4,
  parentUuid: 5,
  counter: 8,
  siblingOrderRank: 12,
  description: 14,
  processOrdering: 19,
} as const;
export const PROCESS_DESCRIPTOR = { pid: 1, processName: 6 } as const;
export const THREAD_DESCRIPTOR = { pid: 1, tid: 2, threadName: 5 } as const;
export const COUNTER_DESCRIPTOR = { unit: 3 } as const;
/** `CounterDescriptor.unit`. */
export const COUNTER_UNIT = { ns: 1, count: 2 } as const;
/** `TrackDescriptor.process_ordering`: by `sibling_order_rank`. */
export const ORDERING_EXPLICIT = 1;

export const TRACK_EVENT = {
  categoryIids: 3,
  debugAnnotations: 4,
  type: 9,
  nameIid: 10,
  trackUuid: 11,
  categories: 22,
  name: 23,
  counterValue: 30,
  flowIds: 47,
  terminatingFlowIds: 48,
} as const;
/** `TrackEvent.type`. */
export const TRACK_EVENT_TYPE = { sliceBegin: 1, sliceEnd: 2, instant: 3, counter: 4 } as const;

export const DEBUG_ANNOTATION = { nameIid: 1, int: 4, string: 6, name: 10 } as const;

export const INTERNED_DATA = { eventCategories: 1, eventNames: 2, debugAnnotationNames: 3 } as const;
export const INTERNED_STRING = { iid: 1, name: 2 } as const;
