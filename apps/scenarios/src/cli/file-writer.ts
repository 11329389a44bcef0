import { closeSync, constants, fsyncSync, openSync, writeSync } from "node:fs";
import { fileFault } from "./file-fault.js";

/** A piece of a file. */
export type FilePiece = string | Uint8Array;

/** What a file system says of a pipe or a terminal, which has nothing to be kept. */
const NOT_TO_BE_KEPT = new Set(["EINVAL", "ENOTSUP", "EROFS"]);

/**
 * Fills a file that is there already, a piece at a time, waiting for each: memory does not grow with the file, and a worker thread that
 * writes needs no other one. It never makes the file, so it cannot bring back one that was taken away because the run was interrupted.
 */
export class FileWriter {
  readonly #name: string;
  readonly #file: number;
  #bytes = 0;

  /**
   * @param path - the file.
   * @param name - what it is called in an error: the file that was asked for.
   * @throws ChronovisorError for a file that cannot be opened
   */
  constructor(path: string, name: string) {
    this.#name = name;
    this.#file = this.#tried(() => openSync(path, constants.O_WRONLY | constants.O_TRUNC));
  }

  /** What was written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Writes all of `piece`. @throws ChronovisorError where it does not fit */
  write(piece: FilePiece): void {
    const bytes = typeof piece === "string" ? Buffer.from(piece, "utf8") : piece;
    for (let at = 0; at < bytes.length; ) {
      at += this.#tried(() => writeSync(this.#file, bytes, at, bytes.length - at));
    }
    this.#bytes += bytes.length;
  }

  /**
   * Has `produce` write the file, and finishes it, or leaves it as it is where that throws.
   *
   * @returns what `produce` did
   */
  fill<T>(produce: (write: (piece: FilePiece) => void) => T): T {
    let result: T;
    try {
      result = produce((piece) => this.write(piece));
    } catch (error) {
      this.abandon();
      throw error;
    }
    this.finish();
    return result;
  }

  /** Waits until the file is on its disk: a full one may say so only now. @throws ChronovisorError where it is not */
  finish(): void {
    try {
      this.#tried(() => {
        try {
          fsyncSync(this.#file);
        } catch (error) {
          if (!NOT_TO_BE_KEPT.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
        }
      });
    } finally {
      this.abandon();
    }
  }

  /** Closes the file as it is. */
  abandon(): void {
    closeSync(this.#file);
  }

  #tried<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw fileFault(this.#name, "written", error);
    }
  }
}
