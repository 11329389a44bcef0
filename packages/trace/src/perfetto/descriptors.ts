import {
  CLOCK,
  CLOCK_SNAPSHOT,
  COUNTER_DESCRIPTOR,
  COUNTER_UNIT,
  ORDERING_EXPLICIT,
  PROCESS_DESCRIPTOR,
  THREAD_DESCRIPTOR,
  TRACE_PACKET,
  TRACK_DESCRIPTOR,
} from "./fields.js";
import type { ProtoWriter } from "./proto-writer.js";

/** What a `TrackDescriptor` says of a track (docs/model/trace-formats §1.2, §1.5). */
export type TrackDescription =
  /** The root: processes are drawn by their ranks. */
  | { readonly kind: "root" }
  | {
      readonly kind: "process";
      readonly pid: number;
      readonly name: string;
      readonly rank: number | undefined;
    }
  | { readonly kind: "thread"; readonly pid: number; readonly tid: number; readonly name: string }
  | { readonly kind: "named"; readonly name: string; readonly parentUuid: number }
  | {
      readonly kind: "counter";
      readonly name: string;
      readonly parentUuid: number;
      readonly unit: keyof typeof COUNTER_UNIT;
      readonly description: string | undefined;
    };

/** Writes the payload of a packet that describes track `uuid`. */
export function writeTrackDescriptor(out: ProtoWriter, uuid: number, track: TrackDescription): void {
  const descriptor = out.open(TRACE_PACKET.trackDescriptor);
  out.integer(TRACK_DESCRIPTOR.uuid, uuid);
  switch (track.kind) {
    case "root":
      out.integer(TRACK_DESCRIPTOR.processOrdering, ORDERING_EXPLICIT);
      break;
    case "process": {
      const fields = out.open(TRACK_DESCRIPTOR.process);
      out.integer(PROCESS_DESCRIPTOR.pid, track.pid);
      out.text(PROCESS_DESCRIPTOR.processName, track.name);
      out.close(fields);
      if (track.rank !== undefined) out.integer(TRACK_DESCRIPTOR.siblingOrderRank, track.rank);
      break;
    }
    case "thread": {
      const fields = out.open(TRACK_DESCRIPTOR.thread);
      out.integer(THREAD_DESCRIPTOR.pid, track.pid);
      out.integer(THREAD_DESCRIPTOR.tid, track.tid);
      out.text(THREAD_DESCRIPTOR.threadName, track.name);
      out.close(fields);
      break;
    }
    case "named":
      out.text(TRACK_DESCRIPTOR.name, track.name);
      out.integer(TRACK_DESCRIPTOR.parentUuid, track.parentUuid);
      break;
    case "counter": {
      out.text(TRACK_DESCRIPTOR.name, track.name);
      out.integer(TRACK_DESCRIPTOR.parentUuid, track.parentUuid);
      const fields = out.open(TRACK_DESCRIPTOR.counter);
      out.integer(COUNTER_DESCRIPTOR.unit, COUNTER_UNIT[track.unit]);
      out.close(fields);
      if (track.description !== undefined) out.text(TRACK_DESCRIPTOR.description, track.description);
      break;
    }
  }
  out.close(descriptor);
}

/** A clock of a snapshot and what it read, ns, s64. */
export type ClockValue = readonly [id: number, ns: bigint];

/** Writes the payload of a packet that says what clocks read at one instant, the primary clock among them. */
export function writeClockSnapshot(
  out: ProtoWriter,
  clocks: readonly ClockValue[],
  primaryClockId: number,
): void {
  const snapshot = out.open(TRACE_PACKET.clockSnapshot);
  for (const [id, ns] of clocks) {
    const clock = out.open(CLOCK_SNAPSHOT.clocks);
    out.integer(CLOCK.clockId, id);
    out.integer(CLOCK.timestamp, ns);
    out.close(clock);
  }
  out.integer(CLOCK_SNAPSHOT.primaryTraceClock, primaryClockId);
  out.close(snapshot);
}
