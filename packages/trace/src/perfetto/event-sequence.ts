import { SEQUENCE_FLAGS, TRACE_PACKET, TRACE_PACKET_DEFAULTS, TRACK_EVENT_DEFAULTS } from "./fields.js";
import type { PacketStream } from "./packet-stream.js";
import { createWording, type TrackEventFields, writeInternedData, writeTrackEvent } from "./track-event.js";

/**
 * The packet sequence of one CPU's or vCPU's events: its own tables of texts, and a track that its events are on unless they say
 * otherwise (docs/model/trace-formats §1.2). The packet that clears a reader's tables and sets that track goes before the first event.
 */
export class EventSequence {
  readonly #stream: PacketStream;
  readonly #id: number;
  readonly #defaultTrackUuid: number;
  readonly #wording = createWording();
  #begun: "no" | "yes" = "no";

  constructor(stream: PacketStream, id: number, defaultTrackUuid: number) {
    this.#stream = stream;
    this.#id = id;
    this.#defaultTrackUuid = defaultTrackUuid;
  }

  /** Writes an event on track `uuid`. */
  event(ns: bigint, uuid: number, fields: TrackEventFields): void {
    if (this.#begun === "no") this.#begin();
    const stream = this.#stream;
    const packet = stream.open({ ns, sequence: this.#id, flags: SEQUENCE_FLAGS.needsIncrementalState });
    writeTrackEvent(stream.out, uuid === this.#defaultTrackUuid ? undefined : uuid, fields, this.#wording);
    writeInternedData(stream.out, this.#wording);
    stream.close(packet);
  }

  #begin(): void {
    this.#begun = "yes";
    const head = { sequence: this.#id, flags: SEQUENCE_FLAGS.incrementalStateCleared };
    this.#stream.packet(head, (out) => {
      const defaults = out.open(TRACE_PACKET.tracePacketDefaults);
      const event = out.open(TRACE_PACKET_DEFAULTS.trackEventDefaults);
      out.integer(TRACK_EVENT_DEFAULTS.trackUuid, this.#defaultTrackUuid);
      out.close(event);
      out.close(defaults);
    });
  }
}
