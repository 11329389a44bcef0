/**
 * Reads a trace as `trace_processor` would, and throws at the first thing it would drop, count as an error or draw wrong
 * (docs/model/trace-formats §1.2, §1.4, §1.6).
 */
import { decodeTrace, type Message } from "./decode.js";

export interface ReadTrack {
  readonly uuid: bigint;
  readonly name: string;
  readonly kind: "root" | "process" | "thread" | "counter" | "named";
  /** Names from the root down. */
  readonly path: string;
  readonly message: Message;
}

export interface ReadEvent {
  readonly ns: bigint;
  readonly sequence: bigint;
  readonly track: ReadTrack;
  readonly type: "begin" | "end" | "instant" | "counter";
  readonly category: string | undefined;
  readonly name: string | undefined;
  readonly args: Readonly<Record<string, string | bigint>>;
  readonly flows: readonly bigint[];
  readonly endsFlows: readonly bigint[];
  readonly value: bigint | undefined;
}

export type ReadSnapshot = readonly (readonly [clockId: bigint, value: bigint])[];

export interface ReadTrace {
  readonly packets: number;
  readonly tracks: readonly ReadTrack[];
  readonly events: readonly ReadEvent[];
  readonly snapshots: readonly ReadSnapshot[];
  /** Texts defined per sequence. */
  readonly interned: ReadonlyMap<bigint, number>;
}

const TYPES = new Map<bigint | undefined, ReadEvent["type"]>([
  [1n, "begin"],
  [2n, "end"],
  [3n, "instant"],
  [4n, "counter"],
]);

const CLEARED = 1n;
const NEEDS = 2n;
const TABLES = ["event_categories", "event_names", "debug_annotation_names"] as const;
type Table = (typeof TABLES)[number];

interface Sequence {
  lastNs: bigint;
  cleared: boolean;
  defaultTrack: bigint | undefined;
  readonly texts: Map<string, string>;
}

export function readTrace(bytes: Uint8Array): ReadTrace {
  const packets = decodeTrace(bytes);
  const tracks = new Map<bigint, ReadTrack>();
  const sequences = new Map<bigint, Sequence>();
  const open = new Map<bigint, bigint[]>();
  const events: ReadEvent[] = [];
  const snapshots: ReadSnapshot[] = [];

  for (const packet of packets) {
    const id = packet.integer("trusted_packet_sequence_id") ?? 0n;
    check(id !== 0n, "a packet has no sequence");
    check(!packet.has("timestamp_clock_id"), "a packet is not in the primary clock");
    const sequence = sequences.get(id) ?? newSequence();
    sequences.set(id, sequence);
    takeState(packet, sequence);
    const descriptor = packet.message("track_descriptor");
    if (descriptor !== undefined) describeTrack(descriptor, tracks);
    const snapshot = packet.message("clock_snapshot");
    if (snapshot !== undefined) snapshots.push(readSnapshot(snapshot, snapshots.at(-1)));
    const event = packet.message("track_event");
    if (event === undefined) continue;
    const ns = packet.integer("timestamp");
    check(ns !== undefined, "an event has no time");
    if (ns === undefined) continue;
    check(ns >= sequence.lastNs, `sequence ${id} goes back to ${ns}`);
    sequence.lastNs = ns;
    const needs = ((packet.integer("sequence_flags") ?? 0n) & NEEDS) !== 0n;
    const read = readEvent(event, { ns, id, sequence, needs, tracks });
    nest(read, open);
    events.push(read);
  }
  for (const [uuid, begins] of open) check(begins.length === 0, `track ${uuid} has a slice without an end`);
  const interned = new Map([...sequences].map(([id, { texts }]) => [id, texts.size]));
  return { packets: packets.length, tracks: [...tracks.values()], events, snapshots, interned };
}

function check(holds: boolean, complaint: string): void {
  if (!holds) throw new Error(complaint);
}

function newSequence(): Sequence {
  return { lastNs: 0n, cleared: false, defaultTrack: undefined, texts: new Map() };
}

function takeState(packet: Message, sequence: Sequence): void {
  if (((packet.integer("sequence_flags") ?? 0n) & CLEARED) !== 0n) {
    sequence.cleared = true;
    sequence.texts.clear();
    sequence.defaultTrack = undefined;
  }
  const defaults = packet.message("trace_packet_defaults")?.message("track_event_defaults");
  if (defaults !== undefined) {
    check(sequence.cleared, "defaults come before the sequence is cleared");
    sequence.defaultTrack = defaults.integer("track_uuid");
  }
  for (const table of TABLES) {
    for (const entry of packet.message("interned_data")?.messages(table) ?? []) {
      const iid = entry.integer("iid") ?? 0n;
      const key = `${table} ${iid}`;
      check(iid !== 0n, "an interned text has no id");
      check(sequence.cleared, "texts are interned before the sequence is cleared");
      check(!sequence.texts.has(key), `${key} is defined twice`);
      sequence.texts.set(key, entry.text("name") ?? "");
    }
  }
}

function describeTrack(descriptor: Message, tracks: Map<bigint, ReadTrack>): void {
  const uuid = descriptor.integer("uuid");
  check(uuid !== undefined, "a track has no uuid");
  if (uuid === undefined) return;
  check(!tracks.has(uuid), `track ${uuid} is described twice`);
  const process = descriptor.message("process");
  const thread = descriptor.message("thread");
  const counter = descriptor.message("counter");
  const ordersRoot = descriptor.has("process_ordering") || descriptor.has("thread_ordering");
  check(!ordersRoot || uuid === 0n, "only the root orders processes and threads");
  let kind: ReadTrack["kind"] = uuid === 0n ? "root" : "named";
  let name = descriptor.text("name") ?? "";
  let above = "";
  if (process !== undefined) {
    kind = "process";
    name = process.text("process_name") ?? "";
  } else if (thread !== undefined) {
    kind = "thread";
    name = thread.text("thread_name") ?? "";
    const pid = thread.integer("pid");
    const parent = [...tracks.values()].find(
      (track) => track.message.message("process")?.integer("pid") === pid,
    );
    check(parent !== undefined, `thread ${name} is of no process`);
    above = `${parent?.path} > `;
  } else if (uuid !== 0n) {
    if (counter !== undefined) kind = "counter";
    const parent = tracks.get(descriptor.integer("parent_uuid") ?? 0n);
    check(parent !== undefined, `track ${uuid} has a parent that is not described`);
    above = `${parent?.path} > `;
  }
  check(kind === "root" || name !== "", `track ${uuid} has no name`);
  tracks.set(uuid, { uuid, name, kind, path: `${above}${name}`, message: descriptor });
}

interface EventContext {
  readonly ns: bigint;
  readonly id: bigint;
  readonly sequence: Sequence;
  readonly needs: boolean;
  readonly tracks: ReadonlyMap<bigint, ReadTrack>;
}

function readEvent(event: Message, { ns, id, sequence, needs, tracks }: EventContext): ReadEvent {
  const lookUp = (table: Table, iid: bigint | undefined): string | undefined => {
    if (iid === undefined) return undefined;
    check(needs, "a packet uses the sequence's state without saying so");
    const text = sequence.texts.get(`${table} ${iid}`);
    check(text !== undefined, `${table} ${iid} is not defined`);
    return text;
  };
  const type = TYPES.get(event.integer("type"));
  check(type !== undefined, "an event has no type");
  const ownTrack = event.integer("track_uuid");
  check(ownTrack !== undefined || needs, "a packet uses the sequence's default track without saying so");
  const track = tracks.get(ownTrack ?? sequence.defaultTrack ?? 0n);
  check(track !== undefined && track.kind !== "root", "an event is on a track that is not described");
  if (track === undefined || type === undefined) throw new Error("unreachable");
  check((type === "counter") === (track.kind === "counter"), `a ${type} is on a ${track.kind} track`);
  check((type === "counter") === event.has("counter_value"), "a counter, and nothing else, has a value");
  const name = event.text("name") ?? lookUp("event_names", event.integer("name_iid"));
  check(name !== undefined || type === "end" || type === "counter", `a ${type} has no name`);
  const args: Record<string, string | bigint> = {};
  for (const annotation of event.messages("debug_annotations")) {
    const key =
      annotation.text("name") ?? lookUp("debug_annotation_names", annotation.integer("name_iid")) ?? "";
    check(key !== "" && !(key in args), "an annotation has no name of its own");
    const value = annotation.text("string_value") ?? annotation.integer("int_value");
    check(value !== undefined, `annotation ${key} has no value`);
    if (value !== undefined) args[key] = value;
  }
  const flows = event.integers("flow_ids");
  const endsFlows = event.integers("terminating_flow_ids");
  check(!flows.some((flow) => endsFlows.includes(flow)), "a flow goes on and ends at one event");
  const category = event.text("categories") ?? lookUp("event_categories", event.integer("category_iids"));
  const value = event.integer("counter_value");
  return { ns, sequence: id, track, type, category, name, args, flows, endsFlows, value };
}

function nest({ ns, track, type }: ReadEvent, open: Map<bigint, bigint[]>): void {
  const begins = open.get(track.uuid) ?? [];
  open.set(track.uuid, begins);
  if (type === "begin") begins.push(ns);
  if (type !== "end") return;
  const begin = begins.pop();
  check(begin !== undefined, `an end on ${track.path} has no begin`);
  check(begin !== undefined && begin <= ns, `a slice on ${track.path} ends before it begins`);
}

/** Ids of our snapshots: the builtin ones in use, and global ones; 64 to 127 would belong to a sequence. */
const BUILTIN = new Set([1n, 3n, 5n, 6n]);
const PRIMARY = 6n;

function readSnapshot(snapshot: Message, before: ReadSnapshot | undefined): ReadSnapshot {
  const clocks = snapshot
    .messages("clocks")
    .map((clock) => [clock.integer("clock_id") ?? 0n, clock.integer("timestamp") ?? 0n] as const);
  const ids = clocks.map(([id]) => id);
  check(snapshot.integer("primary_trace_clock") === PRIMARY, "the primary clock is not BOOTTIME");
  check(ids[0] === PRIMARY, "the primary clock is not first");
  check(new Set(ids).size === ids.length, "a clock is in a snapshot twice");
  check(
    ids.every((id) => BUILTIN.has(id) || (id >= 128n && id < 2n ** 32n)),
    "a clock has an id that means something else",
  );
  if (before !== undefined) {
    check(
      ids.length === before.length && ids.every((id, i) => id === before[i]?.[0]),
      "a snapshot has other clocks than the one before",
    );
    check((clocks[0]?.[1] ?? 0n) >= (before[0]?.[1] ?? 0n), "the primary clock goes back");
  }
  return clocks;
}
