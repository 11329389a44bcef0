/** One parsed line of a JSON Lines file. */
export type Row = Readonly<Record<string, unknown>>;

/** Why a row failed: what the file says and what the packages computed, both JSON-safe when made by `compare`. */
export interface Mismatch {
  readonly expected: unknown;
  readonly got: unknown;
}

/** Judges one row: undefined when it passed. */
export type JudgeRow = (row: Row) => Mismatch | undefined;

/**
 * Replays one file of the vector layout through the packages' public exports.
 *
 * A replay does no arithmetic of its own: it turns columns into arguments, calls a package, and compares.
 * A throw out of `JudgeRow` fails the row, except a `MalformedRow`, which is the file's fault and ends the run.
 */
export interface Replay {
  /** The directory the file lies in, such as `lapic`. */
  readonly area: string;
  /** The file's name without `.jsonl`. */
  readonly file: string;
  /** Called once per file. What it returns is called once per line, in file order, so it may keep state. */
  readonly create: () => JudgeRow;
}
