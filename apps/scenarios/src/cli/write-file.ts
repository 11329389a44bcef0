/**
 * Files that are there whole or not at all. What is written goes into a file beside the target, which takes the target's place once it is
 * complete; whatever ends the writing before that, an error, a full disk or Ctrl-C, leaves the target as it was and nothing beside it.
 */
import { chmodSync, closeSync, openSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { ChronovisorError } from "../errors.js";
import { fileFault } from "./file-fault.js";
import { type FilePiece, FileWriter } from "./file-writer.js";

/** Permission bits of a mode. */
const PERMISSIONS = 0o777;

/** Files left by processes of the same number that were killed: so many are stepped over. */
const MAX_LEFTOVERS = 1_000;

/** What is at a path: nothing or a file, which can be replaced, or a device or pipe, which has to be written as it is. */
type Target =
  | { readonly kind: "file"; readonly path: string; readonly mode: number | undefined }
  | { readonly kind: "device" };

function targetAt(path: string): Target {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return { kind: "file", path, mode: undefined };
  if (found.isDirectory()) throw new ChronovisorError(`${path}: cannot be written: is a directory`);
  if (!found.isFile()) return { kind: "device" };
  // A link stays one, and what it points to is replaced.
  return { kind: "file", path: realpathSync(path), mode: found.mode & PERMISSIONS };
}

/** Makes an empty file of a name nobody uses, in the target's directory: only there can it take the target's place in one step. */
function createPart({ path, mode }: Extract<Target, { kind: "file" }>): string {
  for (let i = 0; ; i++) {
    const part = join(dirname(path), `.chronovisor-${process.pid}-${i}.part`);
    try {
      closeSync(openSync(part, "wx"));
    } catch (error) {
      if (i < MAX_LEFTOVERS && (error as NodeJS.ErrnoException).code === "EEXIST") continue;
      throw error;
    }
    if (mode !== undefined) chmodSync(part, mode);
    return part;
  }
}

function attempt<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw error instanceof ChronovisorError ? error : fileFault(path, "written", error);
  }
}

/**
 * Has `fill` write a file that exists, wherever it does so, and puts it in the place of `path` when it is done.
 *
 * @param path - the file that is asked for: a new one, or one to be replaced, whose permissions stay. A device or a pipe is filled itself.
 * @param signal - aborting it leaves things as they were, once `fill` has ended.
 * @param fill - is given the path to write to, with a `FileWriter`.
 * @returns what `fill` did
 * @throws ChronovisorError for a directory that cannot be written to; what `fill` threw; what `signal` was aborted with
 */
export async function replaceFile<T>(
  path: string,
  signal: AbortSignal,
  fill: (part: string) => T | Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const target = attempt(path, () => targetAt(path));
  if (target.kind === "device") return fill(path);
  const part = attempt(path, () => createPart(target));
  try {
    const result = await fill(part);
    signal.throwIfAborted();
    attempt(path, () => renameSync(part, target.path));
    return result;
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

/**
 * Writes a file, a piece at a time.
 *
 * @param path - as of `replaceFile`.
 * @param signal - aborting it ends the writing at the next piece and leaves things as they were.
 * @param produce - calls `write` with each piece, in order.
 * @returns what `produce` did
 * @throws ChronovisorError where the file cannot be written or the disk is full; what `produce` threw; what `signal` was aborted with
 */
export async function writeFile<T>(
  path: string,
  signal: AbortSignal,
  produce: (write: (piece: FilePiece) => void) => T | Promise<T>,
): Promise<T> {
  return replaceFile(path, signal, async (part) => {
    const writer = new FileWriter(part, path);
    let result: T;
    try {
      result = await produce((piece) => {
        signal.throwIfAborted();
        writer.write(piece);
      });
    } catch (error) {
      writer.abandon();
      throw error;
    }
    writer.finish();
    return result;
  });
}
