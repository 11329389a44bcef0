import type { TraceRun } from "../exporter.js";
import type {
  Arg,
  ClockReadings,
  CounterRow,
  Mark,
  Row,
  RowOwner,
  Span,
  Timeline,
} from "../timeline/timeline.js";
import { clockId, PRIMARY_CLOCK_ID, qualifiedClockName } from "./clock-ids.js";
import { writeClockSnapshot } from "./descriptors.js";
import { EventSequence } from "./event-sequence.js";
import { TRACK_EVENT_TYPE } from "./fields.js";
import type { PacketStream } from "./packet-stream.js";
import type { TrackEventFields, TrackEventType } from "./track-event.js";
import { DESCRIPTOR_SEQUENCE, Tracks } from "./tracks.js";

/** What belongs to no CPU and no vCPU. */
const PROCESS_SEQUENCE = DESCRIPTOR_SEQUENCE + 1;
const FIRST_THREAD_SEQUENCE = PROCESS_SEQUENCE + 1;

const HOST: Row = { owner: { kind: "host" }, title: undefined };

const SLICE_END = fieldsOf(TRACK_EVENT_TYPE.sliceEnd);

/** Writes a drawing as packets: a sequence for every CPU and vCPU, one for the processes, one for descriptors and clocks. */
export class PerfettoTimeline implements Timeline {
  readonly #stream: PacketStream;
  readonly #tracks: Tracks;
  readonly #processes: EventSequence;
  readonly #cpus: readonly EventSequence[];
  readonly #vcpus: readonly EventSequence[];
  #clockIds: readonly number[] | undefined;

  constructor(stream: PacketStream, run: TraceRun, startNs: bigint) {
    this.#stream = stream;
    this.#tracks = new Tracks(stream, run.cpus, run.vcpus);
    this.#processes = new EventSequence(stream, PROCESS_SEQUENCE, this.#tracks.ownerUuid({ kind: "host" }));
    this.#cpus = this.#sequences("cpu", run.cpus, FIRST_THREAD_SEQUENCE);
    this.#vcpus = this.#sequences("vcpu", run.vcpus, FIRST_THREAD_SEQUENCE + run.cpus);
    this.instant(startNs, HOST, {
      category: "run",
      name: run.scenario,
      wording: "free",
      args: [
        ["kernel", run.kernel],
        ...Object.entries(run.params).map(([name, value]): Arg => [`param ${name}`, value]),
        ["seed", run.seed],
        ["tscHz", run.tscHz],
        ["tscKhz", run.tscKhz],
      ],
      flow: undefined,
    });
  }

  begin(ns: bigint, row: Row, mark: Mark): void {
    this.#sequence(row.owner).event(
      ns,
      this.#tracks.rowUuid(row),
      fieldsOf(TRACK_EVENT_TYPE.sliceBegin, mark),
    );
  }

  end(ns: bigint, row: Row): void {
    this.#sequence(row.owner).event(ns, this.#tracks.rowUuid(row), SLICE_END);
  }

  instant(ns: bigint, row: Row, mark: Mark): void {
    this.#sequence(row.owner).event(ns, this.#tracks.rowUuid(row), fieldsOf(TRACK_EVENT_TYPE.instant, mark));
  }

  beginSpan(ns: bigint, span: Span): void {
    const uuid = this.#tracks.takeLane(span);
    this.#sequence(span.row.owner).event(ns, uuid, fieldsOf(TRACK_EVENT_TYPE.sliceBegin, span.mark));
  }

  endSpan(ns: bigint, span: Span, args: readonly Arg[]): void {
    const uuid = this.#tracks.releaseLane(span);
    if (uuid !== undefined)
      this.#sequence(span.row.owner).event(ns, uuid, fieldsOf(TRACK_EVENT_TYPE.sliceEnd, undefined, args));
  }

  counter(ns: bigint, row: CounterRow, value: bigint): void {
    this.#sequence(row.owner).event(
      ns,
      this.#tracks.counterUuid(row),
      fieldsOf(TRACK_EVENT_TYPE.counter, undefined, undefined, value),
    );
  }

  /** The primary clock first, then the others in the run's order, so that all snapshots are of one group. */
  snapshot(ns: bigint, clocks: ClockReadings): void {
    this.#clockIds ??= this.#announce(ns, clocks);
    const ids = this.#clockIds;
    const values = clocks.map(([, read], i) => [ids[i] ?? PRIMARY_CLOCK_ID, read] as const);
    this.#stream.packet({ sequence: DESCRIPTOR_SEQUENCE }, (out) =>
      writeClockSnapshot(out, [[PRIMARY_CLOCK_ID, ns], ...values], PRIMARY_CLOCK_ID),
    );
  }

  /** Ids are hashes: says once whose. */
  #announce(ns: bigint, clocks: ClockReadings): readonly number[] {
    const ids = clocks.map(([name]) => clockId(name));
    if (new Set(ids).size !== ids.length) {
      const names = clocks.map(([name]) => qualifiedClockName(name)).join(", ");
      throw new RangeError(
        `PerfettoExporter.emit: expected clocks whose names have different ids, got ${names}`,
      );
    }
    const args = clocks.map(([name], i): Arg => [name, ids[i] ?? PRIMARY_CLOCK_ID]);
    const mark = { category: "run", name: "clock ids", wording: "free", args, flow: undefined } as const;
    this.instant(ns, HOST, mark);
    return ids;
  }

  #sequences(kind: "cpu" | "vcpu", count: number, firstId: number): readonly EventSequence[] {
    return Array.from({ length: count }, (_, index) => {
      const track = this.#tracks.ownerUuid({ kind, index });
      return new EventSequence(this.#stream, firstId + index, track);
    });
  }

  #sequence(owner: RowOwner): EventSequence {
    switch (owner.kind) {
      case "cpu":
        return this.#cpus[owner.index] ?? this.#processes;
      case "vcpu":
        return this.#vcpus[owner.index] ?? this.#processes;
      default:
        return this.#processes;
    }
  }
}

/** All events have their members in one order: what reads them then does so at once, half a µs sooner. */
function fieldsOf(
  type: TrackEventType,
  mark?: Mark,
  args?: readonly Arg[],
  value?: bigint,
): TrackEventFields {
  return { type, mark, args, value };
}
