import type { CounterRow, Row, RowOwner, Span } from "../timeline/timeline.js";
import { type TrackDescription, writeTrackDescriptor } from "./descriptors.js";
import { SEQUENCE_FLAGS } from "./fields.js";
import type { PacketStream } from "./packet-stream.js";

/** Descriptors and clocks have a sequence to themselves. */
export const DESCRIPTOR_SEQUENCE = 1;

const HOST_PID = 1;
const VM_PID = 100;
const FIRST_VCPU_TID = 1_000;

const ROOT_UUID = 0;
const HOST_UUID = 1;
const VM_UUID = 2;
const FIRST_THREAD_UUID = 3;

/**
 * The tracks of a trace: processes and threads described at once, what is under them when it is first used. Ids count up, so the same
 * run has the same ones (docs/model/trace-formats §1.5).
 *
 * Spans of a row that overlap need a track each. Siblings of one name are drawn as one band, so a row keeps as many of them as were
 * ever open at once, and gives a span one that is free.
 */
export class Tracks {
  readonly #stream: PacketStream;
  readonly #cpus: number;
  readonly #uuids = new Map<Row, number>();
  readonly #freeLanes = new Map<Row, number[]>();
  readonly #lanes = new Map<Span, number>();
  #nextUuid: number;

  constructor(stream: PacketStream, cpus: number, vcpus: number) {
    this.#stream = stream;
    this.#cpus = cpus;
    this.#nextUuid = FIRST_THREAD_UUID + cpus + vcpus;
    this.#describe(ROOT_UUID, { kind: "root" }, SEQUENCE_FLAGS.incrementalStateCleared);
    this.#describe(HOST_UUID, { kind: "process", pid: HOST_PID, name: "host A", rank: 0 });
    for (let index = 0; index < cpus; index++) {
      const thread = { kind: "thread", pid: HOST_PID, tid: index + 1, name: `CPU ${index}` } as const;
      this.#describe(this.ownerUuid({ kind: "cpu", index }), thread);
    }
    this.#describe(VM_UUID, { kind: "process", pid: VM_PID, name: "VM 0", rank: 1 });
    for (let index = 0; index < vcpus; index++) {
      const tid = FIRST_VCPU_TID + index;
      const thread = { kind: "thread", pid: VM_PID, tid, name: `CPU ${index}/KVM` } as const;
      this.#describe(this.ownerUuid({ kind: "vcpu", index }), thread);
    }
  }

  /** The track of a process or a thread. */
  ownerUuid(owner: RowOwner): number {
    switch (owner.kind) {
      case "host":
        return HOST_UUID;
      case "vm":
        return VM_UUID;
      case "cpu":
        return FIRST_THREAD_UUID + owner.index;
      case "vcpu":
        return FIRST_THREAD_UUID + this.#cpus + owner.index;
    }
  }

  /** The track of a row of slices and instants. */
  rowUuid(row: Row): number {
    if (row.title === undefined) return this.ownerUuid(row.owner);
    return this.#uuids.get(row) ?? this.#remember(row, this.#describeNamed(row));
  }

  /** The track of a counter. */
  counterUuid(row: CounterRow): number {
    const known = this.#uuids.get(row);
    if (known !== undefined) return known;
    const { title: name, owner, unit, description } = row;
    const parentUuid = this.ownerUuid(owner);
    return this.#remember(row, this.#describeNext({ kind: "counter", name, parentUuid, unit, description }));
  }

  /** A track for a span that begins. */
  takeLane(span: Span): number {
    const uuid = this.#freeLanes.get(span.row)?.pop() ?? this.#describeNamed(span.row);
    this.#lanes.set(span, uuid);
    return uuid;
  }

  /** The track of a span that ends; another may have it then. */
  releaseLane(span: Span): number | undefined {
    const uuid = this.#lanes.get(span);
    if (uuid === undefined) return undefined;
    this.#lanes.delete(span);
    const free = this.#freeLanes.get(span.row);
    if (free === undefined) this.#freeLanes.set(span.row, [uuid]);
    else free.push(uuid);
    return uuid;
  }

  #remember(row: Row, uuid: number): number {
    this.#uuids.set(row, uuid);
    return uuid;
  }

  #describeNamed({ owner, title = "" }: Row): number {
    return this.#describeNext({ kind: "named", name: title, parentUuid: this.ownerUuid(owner) });
  }

  #describeNext(track: TrackDescription): number {
    const uuid = this.#nextUuid;
    this.#nextUuid += 1;
    this.#describe(uuid, track);
    return uuid;
  }

  #describe(uuid: number, track: TrackDescription, flags?: number): void {
    const head = { sequence: DESCRIPTOR_SEQUENCE, ...(flags === undefined ? {} : { flags }) };
    this.#stream.packet(head, (out) => writeTrackDescriptor(out, uuid, track));
  }
}
