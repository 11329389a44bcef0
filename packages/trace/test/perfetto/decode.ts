/**
 * Decodes the Perfetto messages a run is written in, by the field numbers Perfetto publishes, and refuses what it does not know: written
 * from the format's table (docs/model/trace-formats §1.2) and from nothing of the writer.
 */

type Scalar = "uint64" | "int64" | "string" | "fixed64";
type MessageName =
  | "Trace"
  | "TracePacket"
  | "TracePacketDefaults"
  | "TrackEventDefaults"
  | "ClockSnapshot"
  | "Clock"
  | "TrackDescriptor"
  | "ProcessDescriptor"
  | "ThreadDescriptor"
  | "CounterDescriptor"
  | "TrackEvent"
  | "DebugAnnotation"
  | "InternedData"
  | "InternedString";

type Field = readonly [name: string, type: Scalar | MessageName];

const MESSAGES: Readonly<Record<MessageName, Readonly<Record<number, Field>>>> = {
  Trace: { 1: ["packet", "TracePacket"] },
  TracePacket: {
    6: ["clock_snapshot", "ClockSnapshot"],
    8: ["timestamp", "uint64"],
    10: ["trusted_packet_sequence_id", "uint64"],
    11: ["track_event", "TrackEvent"],
    12: ["interned_data", "InternedData"],
    13: ["sequence_flags", "uint64"],
    58: ["timestamp_clock_id", "uint64"],
    59: ["trace_packet_defaults", "TracePacketDefaults"],
    60: ["track_descriptor", "TrackDescriptor"],
  },
  TracePacketDefaults: {
    11: ["track_event_defaults", "TrackEventDefaults"],
    58: ["timestamp_clock_id", "uint64"],
  },
  TrackEventDefaults: { 11: ["track_uuid", "uint64"] },
  ClockSnapshot: { 1: ["clocks", "Clock"], 2: ["primary_trace_clock", "uint64"] },
  Clock: {
    1: ["clock_id", "uint64"],
    2: ["timestamp", "int64"],
    3: ["is_incremental", "uint64"],
    4: ["unit_multiplier_ns", "uint64"],
  },
  TrackDescriptor: {
    1: ["uuid", "uint64"],
    2: ["name", "string"],
    3: ["process", "ProcessDescriptor"],
    4: ["thread", "ThreadDescriptor"],
    5: ["parent_uuid", "uint64"],
    8: ["counter", "CounterDescriptor"],
    11: ["child_ordering", "uint64"],
    12: ["sibling_order_rank", "int64"],
    14: ["description", "string"],
    15: ["sibling_merge_behavior", "uint64"],
    19: ["process_ordering", "uint64"],
    20: ["thread_ordering", "uint64"],
  },
  ProcessDescriptor: { 1: ["pid", "int64"], 6: ["process_name", "string"] },
  ThreadDescriptor: { 1: ["pid", "int64"], 2: ["tid", "int64"], 5: ["thread_name", "string"] },
  CounterDescriptor: { 3: ["unit", "uint64"], 6: ["unit_name", "string"] },
  TrackEvent: {
    3: ["category_iids", "uint64"],
    4: ["debug_annotations", "DebugAnnotation"],
    9: ["type", "uint64"],
    10: ["name_iid", "uint64"],
    11: ["track_uuid", "uint64"],
    22: ["categories", "string"],
    23: ["name", "string"],
    30: ["counter_value", "int64"],
    47: ["flow_ids", "fixed64"],
    48: ["terminating_flow_ids", "fixed64"],
  },
  DebugAnnotation: {
    1: ["name_iid", "uint64"],
    4: ["int_value", "int64"],
    6: ["string_value", "string"],
    10: ["name", "string"],
  },
  InternedData: {
    1: ["event_categories", "InternedString"],
    2: ["event_names", "InternedString"],
    3: ["debug_annotation_names", "InternedString"],
  },
  InternedString: { 1: ["iid", "uint64"], 2: ["name", "string"] },
};

const WIRES: Readonly<Record<Scalar, number>> = { uint64: 0, int64: 0, fixed64: 1, string: 2 };

/** A decoded message: every field's values in the order they stood. */
export class Message {
  readonly #fields = new Map<string, (bigint | string | Message)[]>();

  add(field: string, value: bigint | string | Message): void {
    const values = this.#fields.get(field);
    if (values === undefined) this.#fields.set(field, [value]);
    else values.push(value);
  }

  has(field: string): boolean {
    return this.#fields.has(field);
  }

  integers(field: string): readonly bigint[] {
    return this.#values(field, (value) => typeof value === "bigint");
  }

  texts(field: string): readonly string[] {
    return this.#values(field, (value) => typeof value === "string");
  }

  messages(field: string): readonly Message[] {
    return this.#values(field, (value) => value instanceof Message);
  }

  integer(field: string): bigint | undefined {
    return this.integers(field).at(-1);
  }

  text(field: string): string | undefined {
    return this.texts(field).at(-1);
  }

  message(field: string): Message | undefined {
    return this.messages(field).at(-1);
  }

  #values<T extends bigint | string | Message>(
    field: string,
    is: (value: bigint | string | Message) => boolean,
  ): readonly T[] {
    return (this.#fields.get(field) ?? []).filter((value): value is T => is(value));
  }
}

/** The packets of a trace. */
export function decodeTrace(bytes: Uint8Array): readonly Message[] {
  return decode(bytes, "Trace").messages("packet");
}

function decode(bytes: Uint8Array, name: MessageName): Message {
  const message = new Message();
  const fields = MESSAGES[name];
  let at = 0;

  const varint = (): bigint => {
    let value = 0n;
    for (let i = 0; i < 10; i++) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error(`${name} ends inside a varint`);
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) {
        if (value >= 2n ** 64n) throw new Error(`${name} has a varint of more than 64 bits`);
        return value;
      }
    }
    throw new Error(`${name} has a varint of more than ten bytes`);
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error(`${name} ends inside a field`);
    at += length;
    return bytes.subarray(at - length, at);
  };

  while (at < bytes.length) {
    const tag = varint();
    const wire = Number(tag & 7n);
    const field = fields[Number(tag >> 3n)];
    if (field === undefined) throw new Error(`${name} has no field ${tag >> 3n}`);
    const [fieldName, type] = field;
    const expected = type in WIRES ? WIRES[type as Scalar] : 2;
    if (wire !== expected) throw new Error(`${name}.${fieldName} has wire type ${wire}`);
    if (wire === 0) {
      const value = varint();
      message.add(fieldName, type === "int64" ? BigInt.asIntN(64, value) : value);
    } else if (wire === 1) {
      const { buffer, byteOffset } = take(8);
      message.add(fieldName, new DataView(buffer, byteOffset).getBigUint64(0, true));
    } else {
      const content = take(Number(varint()));
      message.add(fieldName, type === "string" ? text(content) : decode(content, type as MessageName));
    }
  }
  return message;
}

/** UTF-8, refused if it is not well formed. */
function text(bytes: Uint8Array): string {
  if (bytes.every((byte) => byte < 0x80)) return String.fromCharCode(...bytes);
  return decodeURIComponent([...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""));
}
