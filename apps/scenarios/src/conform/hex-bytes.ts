import type { Row } from "./replay.js";
import { MalformedRow, text } from "./row-fields.js";

const HEX_BYTES = /^(?:[0-9a-f]{2})*$/;

/** Reads bytes written as lower-case hex, byte 0 first. */
export function hexBytes(row: Row, column: string): Uint8Array {
  const hex = text(row, column);
  if (!HEX_BYTES.test(hex)) throw new MalformedRow(column, "bytes in lower-case hex", hex);
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Bytes as lower-case hex, byte 0 first. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
