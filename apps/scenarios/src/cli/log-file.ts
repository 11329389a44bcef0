import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { stdin } from "node:process";
import { ChronovisorError } from "../errors.js";
import { fileFault } from "./file-fault.js";

/** Text of a log, a piece at a time. */
export type TakeText = (text: string, bytesRead: number) => void;

const CHUNK_BYTES = 1 << 18;

/** Files that hold a log in another form, by how they begin, and how to get its text. */
const BINARY_LOGS: ReadonlyArray<readonly [magic: string, advice: string]> = [
  ["\u0017\u0008\u0044tracing", "a trace.dat: give what `trace-cmd report` prints of it"],
  ["PERFILE2", "a perf.data: give what `perf script` prints of it"],
  ["\u001f\u008b", "compressed with gzip: give it through `zcat`"],
  ["\u0028\u00b5\u002f\u00fd", "compressed with zstd: give it through `zstdcat`"],
  ["\u00fd7zXZ", "compressed with xz: give it through `xzcat`"],
];

/** What a log is called: its path, or what `-` stands for. */
export const logName = (path: string): string => (path === "-" ? "standard input" : path);

function checkText(path: string, start: Uint8Array): void {
  const name = logName(path);
  const latin = Array.from(start.subarray(0, 16), (byte) => String.fromCharCode(byte)).join("");
  const known = BINARY_LOGS.find(([magic]) => latin.startsWith(magic));
  if (known !== undefined) throw new ChronovisorError(`${name}: expected the text of a log, got ${known[1]}`);
  // Further on a log may have zeros: a crash leaves them where a line was to be.
  if (start.includes(0)) throw new ChronovisorError(`${name}: expected the text of a log, got a binary file`);
}

async function unreadableAs<T>(path: string, work: Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await work;
  } catch (error) {
    signal?.throwIfAborted();
    throw fileFault(logName(path), "read", error);
  }
}

/** The size of a file, bytes; undefined for standard input and for what has no size. */
export async function logSize(path: string): Promise<number | undefined> {
  if (path === "-") return undefined;
  const { size } = await unreadableAs(path, stat(path));
  return size === 0 ? undefined : size;
}

/** The abort as a promise that fails: a pipe may have nothing to give for as long as one likes, and the wait for it ends too. */
function abortOf(signal: AbortSignal): { readonly aborted: Promise<never>; readonly forget: () => void } {
  let forget = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    forget = () => signal.removeEventListener("abort", stop);
  });
  // It may fail when nobody waits any more.
  aborted.catch(() => {});
  return { aborted, forget };
}

/**
 * Reads a log piece by piece, however long it is.
 *
 * @param path - a file, or `-` for standard input
 * @param take - is given the text; what is no UTF-8 is replaced
 * @param signal - ends it
 * @throws ChronovisorError for a file that cannot be read or is no text
 */
export async function readLog(path: string, take: TakeText, signal: AbortSignal): Promise<void> {
  const stream = path === "-" ? stdin : createReadStream(path, { highWaterMark: CHUNK_BYTES });
  const chunks: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]();
  const decoder = new TextDecoder();
  let bytes = 0;
  const { aborted, forget } = abortOf(signal);
  try {
    for (;;) {
      signal.throwIfAborted();
      const { value, done } = await unreadableAs(path, Promise.race([chunks.next(), aborted]), signal);
      if (done) break;
      if (bytes === 0) checkText(path, value);
      bytes += value.length;
      take(decoder.decode(value, { stream: true }), bytes);
    }
    signal.throwIfAborted();
    take(decoder.decode(), bytes);
  } finally {
    forget();
    stream.destroy();
  }
}
