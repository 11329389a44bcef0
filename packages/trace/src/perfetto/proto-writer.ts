import { utf8Bound, writeUtf8 } from "./utf8.js";

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_LENGTH = 2;

/** A varint of 64 bits is at most ten bytes, and so is a tag before it at most three for the field numbers in use. */
const MOST_BYTES_OF_FIELD = 13;

/** Below it a number is an int32: its groups of seven bits are taken by shifts. */
const INT32_LIMIT = 2 ** 31;
/** Four groups of seven bits. */
const FOUR_GROUPS = 2 ** 28;
const U32 = 2 ** 32;
/** What a varint's length of one byte can say. */
const ONE_BYTE_LENGTH = 0x7f;
/** Digits that an int32 holds any of. */
const NINE_DIGITS = 1_000_000_000;
/** Of a number of 53 bits. */
const MOST_DIGITS = 16;

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
    this.#end = writeVarint(this.#bytes, this.#end, field * 8 + WIRE_VARINT);
    if (typeof value === "number" && value >= 0) this.#end = writeVarint(this.#bytes, this.#end, value);
    else this.#end = writeVarint64(this.#bytes, this.#end, BigInt(value));
  }

  /** A `fixed64` field. */
  fixed64(field: number, value: number | bigint): void {
    this.#reserve(MOST_BYTES_OF_FIELD);
    const end = writeVarint(this.#bytes, this.#end, field * 8 + WIRE_FIXED64);
    if (typeof value === "number" && value >= 0) {
      writeU32(this.#bytes, end, value % U32);
      writeU32(this.#bytes, end + 4, Math.floor(value / U32));
    } else {
      const whole = BigInt.asUintN(64, BigInt(value));
      writeU32(this.#bytes, end, Number(BigInt.asUintN(32, whole)));
      writeU32(this.#bytes, end + 4, Number(whole >> 32n));
    }
    this.#end = end + 8;
  }

  /** A `string` field. */
  text(field: number, text: string): void {
    const at = this.open(field);
    this.#reserve(utf8Bound(text.length));
    this.#end = writeUtf8(this.#bytes, this.#end, text);
    this.close(at);
  }

  /** A `string` field of an integer's decimal digits. */
  decimal(field: number, value: bigint): void {
    const number = Number(value);
    if (number < 0 || number > Number.MAX_SAFE_INTEGER) {
      this.text(field, value.toString());
      return;
    }
    const at = this.open(field);
    this.#reserve(MOST_DIGITS);
    this.#end = writeDigits(this.#bytes, this.#end, number);
    this.close(at);
  }

  /** Begins a message in `field`; what `close` needs is returned. Messages close in the reverse order of their opening. */
  open(field: number): number {
    this.#reserve(MOST_BYTES_OF_FIELD);
    this.#end = writeVarint(this.#bytes, this.#end, field * 8 + WIRE_LENGTH) + 1;
    return this.#end;
  }

  /** Ends the message that `open` began. */
  close(at: number): void {
    const length = this.#end - at;
    if (length <= ONE_BYTE_LENGTH) {
      this.#bytes[at - 1] = length;
      return;
    }
    const more = varintLength(length) - 1;
    this.#reserve(more);
    this.#bytes.copyWithin(at + more, at, this.#end);
    this.#end = writeVarint(this.#bytes, at - 1, length) + length;
  }

  /** What was written, as an array of its own; the writer begins anew. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#end);
    this.#end = 0;
    return taken;
  }

  #reserve(more: number): void {
    if (this.#end + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#end + more));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** Writes a whole number of at most 53 bits from `at` on, and tells where it ends. */
function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let end = at;
  let rest = value;
  while (rest >= INT32_LIMIT) {
    const high = Math.floor(rest / FOUR_GROUPS);
    const low = rest - high * FOUR_GROUPS;
    bytes[end] = (low & 0x7f) | 0x80;
    bytes[end + 1] = ((low >> 7) & 0x7f) | 0x80;
    bytes[end + 2] = ((low >> 14) & 0x7f) | 0x80;
    bytes[end + 3] = (low >> 21) | 0x80;
    end += 4;
    rest = high;
  }
  let small = rest | 0;
  while (small >= 0x80) {
    bytes[end++] = (small & 0x7f) | 0x80;
    small >>= 7;
  }
  bytes[end++] = small;
  return end;
}

/** Writes the low 64 bits of an integer from `at` on, and tells where they end. */
function writeVarint64(bytes: Uint8Array, at: number, value: bigint): number {
  const rest = BigInt.asUintN(64, value);
  const number = Number(rest);
  if (number <= Number.MAX_SAFE_INTEGER) return writeVarint(bytes, at, number);
  // Seven groups of seven bits, then what is left: at most 15 bits, so both halves are exact numbers.
  let low = Number(rest & 0x1_ffff_ffff_ffffn);
  let end = at;
  for (let i = 0; i < 7; i++) {
    bytes[end++] = (low % 0x80) | 0x80;
    low = Math.floor(low / 0x80);
  }
  return writeVarint(bytes, end, Number(rest >> 49n));
}

/** Writes 32 bits, least byte first. */
function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff;
  bytes[at + 1] = (value >>> 8) & 0xff;
  bytes[at + 2] = (value >>> 16) & 0xff;
  bytes[at + 3] = value >>> 24;
}

/** Writes the decimal digits of a whole number of at most 53 bits from `at` on, and tells where they end. */
function writeDigits(bytes: Uint8Array, at: number, value: number): number {
  const high = Math.floor(value / NINE_DIGITS);
  if (high === 0) return writeSmallDigits(bytes, at, value, 1);
  return writeSmallDigits(bytes, writeSmallDigits(bytes, at, high, 1), value - high * NINE_DIGITS, 9);
}

/** Writes a whole number below 10^9, with zeros before it up to `least` digits. */
function writeSmallDigits(bytes: Uint8Array, at: number, value: number, least: number): number {
  let length = least;
  for (let limit = 10 ** least; value >= limit; limit *= 10) length += 1;
  let rest = value | 0;
  for (let i = at + length - 1; i >= at; i--) {
    const tens = (rest / 10) | 0;
    bytes[i] = 0x30 + rest - tens * 10;
    rest = tens;
  }
  return at + length;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
}
