import type { WriteBytes } from "../exporter.js";
import { TRACE, TRACE_PACKET } from "./fields.js";
import { ProtoWriter } from "./proto-writer.js";

/** Bytes a piece has at least: few calls of the writer, and little held back. */
const PIECE_BYTES = 65_536;

/** What stands at the head of a packet. */
export interface PacketHead {
  /** True ns since the start, in the trace's primary clock; descriptors and snapshots have none. */
  readonly ns?: bigint;
  readonly sequence: number;
  /** `SEQUENCE_FLAGS`, or-ed. */
  readonly flags?: number;
}

/** Frames packets, and hands them on in pieces that end where a packet does. */
export class PacketStream {
  /** Where a packet's payload goes, between `open` and `close`. */
  readonly out: ProtoWriter = new ProtoWriter();
  readonly #write: WriteBytes;

  constructor(write: WriteBytes) {
    this.#write = write;
  }

  /** Begins a packet with its head; what `close` needs is returned. */
  open({ ns, sequence, flags }: PacketHead): number {
    const { out } = this;
    const packet = out.open(TRACE.packet);
    if (ns !== undefined) out.integer(TRACE_PACKET.timestamp, ns);
    out.integer(TRACE_PACKET.trustedPacketSequenceId, sequence);
    if (flags !== undefined) out.integer(TRACE_PACKET.sequenceFlags, flags);
    return packet;
  }

  /** Ends the packet that `open` began. */
  close(packet: number): void {
    this.out.close(packet);
    if (this.out.length >= PIECE_BYTES) this.flush();
  }

  /** Writes one packet: its head, then what `payload` writes. */
  packet(head: PacketHead, payload: (out: ProtoWriter) => void): void {
    const packet = this.open(head);
    payload(this.out);
    this.close(packet);
  }

  /** Hands on what is held back. */
  flush(): void {
    if (this.out.length > 0) this.#write(this.out.take());
  }
}
