/**
 * Bytes out of what people paste: a run of hex digits, a byte list, or a few lines of a memory dump.
 *
 *     b82a640400000000…                        bytes in memory order
 *     b8 2a 64 04, 00:00:00:00                 separated by anything of  space , ; : -
 *     00000000: b82a 6404 …  .*d.              xxd
 *     00000000  b8 2a 64 04 …  |.*d.|          hexdump -C
 *     0xffff8880: 0x04642ab8 0x00000000        gdb x/xw: 0x and 4, 8 or 16 digits are a little-endian word
 *     0xb8, 0x2a, 0x64                         0x and 2 digits are a byte
 */

/** Why a text is no structure in memory. */
export type PvclockTextFault = "not-hex" | "truncated" | "surplus";

/** A text that does not hold the bytes of a structure. */
export class PvclockTextError extends Error {
  override readonly name = "PvclockTextError";
  /** What is wrong. */
  readonly fault: PvclockTextFault;
  /** Bytes found before that, or in all. */
  readonly byteCount: number;

  /**
   * @param fault - what is wrong.
   * @param byteCount - bytes found.
   * @param message - the sentence for people.
   * @example
   * new PvclockTextError("truncated", 3, "parseVcpuTimeInfo: expected 32 bytes, got 3").byteCount // => 3
   */
  constructor(fault: PvclockTextFault, byteCount: number, message: string) {
    super(message);
    this.fault = fault;
    this.byteCount = byteCount;
  }
}

/** `address:` at the start of a dump's line; gdb adds the symbol. Four digits at least: `00:01` is two bytes. */
const ADDRESS = /^\s*(?:0x)?[0-9a-f]{4,16}(?:\s*<[^>]*>)?:(?=\s)/i;
/** A line of `hexdump -C`: address, bytes, and the characters between bars. */
const HEXDUMP_LINE = /^\s*[0-9a-f]{7,16}\s(.*)\|.*\|\s*$/i;
/** What xxd puts between the bytes and their characters. */
const XXD_GUTTER = / {2}/;
const SEPARATORS = /[\s,;:-]+/;
const WORD = /^0x(?:[0-9a-f]{4}|[0-9a-f]{8}|[0-9a-f]{16})$/i;
const BYTE = /^0x[0-9a-f]{1,2}$/i;
const DIGITS = /^(?:[0-9a-f]{2})+$/i;

/** The `size` bytes that `text` holds; throws {@link PvclockTextError} for a text that holds more, fewer, or something else. */
export function bytesOfText(fn: string, text: string, size: number): Uint8Array {
  const bytes: number[] = [];
  for (const token of dataLines(text).flatMap((line) => line.split(SEPARATORS))) {
    if (token === "") continue;
    const found = bytesOfToken(token);
    if (found === undefined) {
      const what = `${fn}: expected hex digits, got "${token.slice(0, 20)}" after ${bytes.length} bytes`;
      throw new PvclockTextError("not-hex", bytes.length, what);
    }
    bytes.push(...found);
  }
  if (bytes.length !== size) {
    const fault = bytes.length < size ? "truncated" : "surplus";
    throw new PvclockTextError(fault, bytes.length, `${fn}: expected ${size} bytes, got ${bytes.length}`);
  }
  return Uint8Array.from(bytes);
}

/** The lines of a text without addresses and without the characters that dumps show beside the bytes. */
function dataLines(text: string): string[] {
  const lines = text.split("\n");
  const hexdump = lines.flatMap((line) => HEXDUMP_LINE.exec(line)?.[1] ?? []);
  // Its last line is the length alone.
  if (hexdump.length > 0) return hexdump;
  return lines.map((line) => {
    const address = ADDRESS.exec(line)?.[0];
    if (address === undefined) return line;
    const [data = ""] = line.slice(address.length).trimStart().split(XXD_GUTTER);
    return data;
  });
}

function bytesOfToken(token: string): number[] | undefined {
  if (BYTE.test(token)) return [Number(token)];
  const isWord = WORD.test(token);
  const digits = isWord ? token.slice(2) : token;
  if (!DIGITS.test(digits)) return undefined;
  const bytes = (digits.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
  return isWord ? bytes.reverse() : bytes;
}
