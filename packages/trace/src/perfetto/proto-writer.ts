import { utf8Bound, writeUtf8 } from "./utf8.js";

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_LENGTH = 2;

/** A varint of 64 bits is at most ten bytes, and so is a tag before it at most three for the field numbers in use. */
const MOST_BYTES_OF_FIELD = 13;

/**
 * Writes protobuf fields into one growing array (docs/model/trace-formats §1.1).
 *
 * A message's length stands before it and is known after it: `open` leaves one byte for it, and `close` moves the message along in the
 * rare case that its length needs more. Integers are u64, or s64 as their two's complement: what lies outside wraps modulo 2^64, as
 * int64 fields are defined to.
 */
export class ProtoWriter {
  #bytes = new Uint8Array(1_024);
  #end = 0;

  /** Bytes written since the last `take`. */
  get length(): number {
    return this.#end;
  }

  /** A field of any integer type but the fixed ones. A `number` is an integer of at most 53 bits. */
  integer(field: number, value: number | bigint): void {
    this.#reserve(MOST_BYTES_OF_FIELD);
    this.#tag(field, WIRE_VARINT);
    if (typeof value === "number" && value >= 0) this.#varint(value);
    else this.#varint64(BigInt(value));
  }

  /** A `fixed64` field. */
  fixed64(field: number, value: number | bigint): void {
    this.#reserve(MOST_BYTES_OF_FIELD);
    this.#tag(field, WIRE_FIXED64);
    let rest = BigInt.asUintN(64, BigInt(value));
    for (let i = 0; i < 8; i++) {
      this.#bytes[this.#end++] = Number(rest & 0xffn);
      rest >>= 8n;
    }
  }

  /** A `string` field. */
  text(field: number, text: string): void {
    const at = this.open(field);
    this.#reserve(utf8Bound(text.length));
    this.#end = writeUtf8(this.#bytes, this.#end, text);
    this.close(at);
  }

  /** Begins a message in `field`; what `close` needs is returned. Messages close in the reverse order of their opening. */
  open(field: number): number {
    this.#reserve(MOST_BYTES_OF_FIELD);
    this.#tag(field, WIRE_LENGTH);
    this.#end += 1;
    return this.#end;
  }

  /** Ends the message that `open` began. */
  close(at: number): void {
    const length = this.#end - at;
    const more = varintLength(length) - 1;
    if (more > 0) {
      this.#reserve(more);
      this.#bytes.copyWithin(at + more, at, this.#end);
    }
    this.#end = at - 1;
    this.#varint(length);
    this.#end += length;
  }

  /** What was written, as an array of its own; the writer begins anew. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#end);
    this.#end = 0;
    return taken;
  }

  #tag(field: number, wire: number): void {
    this.#varint(field * 8 + wire);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#end++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#end++] = rest;
  }

  #varint64(value: bigint): void {
    const rest = BigInt.asUintN(64, value);
    if (rest <= Number.MAX_SAFE_INTEGER) {
      this.#varint(Number(rest));
      return;
    }
    // Seven groups of seven bits, then what is left: at most 15 bits, so both halves are exact numbers.
    let low = Number(rest & 0x1_ffff_ffff_ffffn);
    for (let i = 0; i < 7; i++) {
      this.#bytes[this.#end++] = (low % 0x80) | 0x80;
      low = Math.floor(low / 0x80);
    }
    this.#varint(Number(rest >> 49n));
  }

  #reserve(more: number): void {
    if (this.#end + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#end + more));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
}
