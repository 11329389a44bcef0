import { SingleBar } from "cli-progress";

/** A file that takes less is read before a line about it could be. */
const PATIENCE_MS = 1_000;
const BYTES_PER_MB = 1_000_000;
/** Resolution of the bar where the size is not known: it only moves. */
const UNKNOWN = Number.MAX_SAFE_INTEGER;

/** How far a file has been read. */
export interface ReadingLine {
  readonly update: (bytes: number) => void;
  /** Erases the line. */
  readonly stop: () => void;
}

/** The line: what, megabytes, share and time left where the size is known. */
export function readingText(
  what: string,
  bytes: number,
  size: number | undefined,
  elapsedMs: number,
): string {
  const read = `${Math.floor(bytes / BYTES_PER_MB)} MB`;
  if (size === undefined || bytes === 0) return `${what} · ${read} read`;
  const left = Math.ceil((elapsedMs * Math.max(0, size - bytes)) / bytes / 1_000);
  const share = Math.floor((Math.min(bytes, size) * 100) / size);
  return `${what} · ${share} % · ${read} of ${Math.floor(size / BYTES_PER_MB)} MB · ${left} s left`;
}

/**
 * One line on `stream` that tells how far a file has been read, drawn once that has taken a second and erased by `stop`.
 *
 * @param stream - a terminal; undefined draws nothing
 * @param size - bytes in all, if that is known
 * @param now - milliseconds of a clock that does not go back
 */
export function readingLine(
  stream: NodeJS.WritableStream | undefined,
  what: string,
  size: number | undefined,
  now: () => number,
): ReadingLine {
  if (stream === undefined) return { update: () => {}, stop: () => {} };
  const startedAt = now();
  const bar = new SingleBar({
    stream,
    clearOnComplete: true,
    hideCursor: true,
    // A line that wraps cannot be erased.
    linewrap: false,
    gracefulExit: false,
    format: (_options, { value }) => readingText(what, value, size, now() - startedAt),
  });
  let state: "waiting" | "drawn" = "waiting";
  return {
    update: (bytes) => {
      if (now() - startedAt < PATIENCE_MS) return;
      if (state === "drawn") bar.update(bytes);
      else bar.start(size ?? UNKNOWN, bytes);
      state = "drawn";
    },
    stop: () => {
      if (state === "drawn") bar.stop();
    },
  };
}
