import { ChronovisorError, unknownName } from "../errors.js";
import { type DataFile, discoverFiles, ROW_FILE_SUFFIX } from "./discover.js";
import { type PlacedRow, readRows } from "./read-rows.js";
import type { JudgeRow, Mismatch, Replay } from "./replay.js";
import { shippedReplays } from "./replays.js";
import type { ConformReport, FileReport, FirstFailure } from "./report.js";
import { jsonSafe, MalformedRow } from "./row-fields.js";
import { shippedDataDirectory } from "./shipped-data.js";

/** What to replay. */
export interface ConformOptions {
  /** A directory with one sub-directory of `.jsonl` files per area. Default: the rows of `@chronovisor/vectors`. */
  readonly data?: string | undefined;
  /** The areas to replay. Default: all that the directory has. */
  readonly areas?: readonly string[] | undefined;
  /** The replays to use. Default: all of the app's. */
  readonly replays?: readonly Replay[] | undefined;
}

/**
 * Replays every row file of a directory through the packages and counts what agreed.
 *
 * @param options - what to replay; by default all that `@chronovisor/vectors` publishes
 * @returns one entry per file, by area and then by name
 * @throws ChronovisorError when the directory, an area or a row cannot be used: that is the data's fault, and differs
 * from a row that was computed and did not agree.
 * @example
 * const report = await conform({ areas: ["math"] });
 * report.files.map(({ passed, failed }) => passed - failed) // => [ 1048, 1079, 1194, 1088, 1338, 993 ]
 */
export async function conform(options: ConformOptions = {}): Promise<ConformReport> {
  const all = await discoverFiles(options.data ?? shippedDataDirectory());
  const files: FileReport[] = [];
  for (const file of selectAreas(all, options.areas)) {
    files.push(await replayFile(file, options.replays ?? shippedReplays));
  }
  return { files };
}

function selectAreas(files: readonly DataFile[], areas: readonly string[] | undefined): readonly DataFile[] {
  if (areas === undefined) return files;
  const known = [...new Set(files.map((file) => file.area))];
  for (const area of areas) {
    if (!known.includes(area)) throw unknownName("--area", area, known);
  }
  return files.filter((file) => areas.includes(file.area));
}

async function replayFile(file: DataFile, replays: readonly Replay[]): Promise<FileReport> {
  const label = `${file.area}/${file.file}`;
  const judge = findReplay(file, replays)?.create();
  let rows = 0;
  let failed = 0;
  let firstFailure: FirstFailure | null = null;
  for await (const placed of readRows(file.path, label)) {
    rows += 1;
    const mismatch = judge && judgeRow(judge, placed, label);
    if (mismatch === undefined) continue;
    failed += 1;
    firstFailure ??= {
      line: placed.line,
      row: placed.row,
      expected: jsonSafe(mismatch.expected),
      got: jsonSafe(mismatch.got),
    };
  }
  const covered = judge !== undefined;
  return {
    area: file.area,
    file: file.file,
    rows,
    passed: covered ? rows - failed : 0,
    failed,
    covered,
    firstFailure,
  };
}

function findReplay(file: DataFile, replays: readonly Replay[]): Replay | undefined {
  return replays.find((replay) => replay.area === file.area && replay.file + ROW_FILE_SUFFIX === file.file);
}

function judgeRow(judge: JudgeRow, placed: PlacedRow, label: string): Mismatch | undefined {
  try {
    return judge(placed.row);
  } catch (error) {
    if (error instanceof MalformedRow) {
      throw new ChronovisorError(
        `${label}:${placed.line}:${memberColumn(placed.text, error)}: ${error.message}`,
      );
    }
    return { expected: "no error", got: String(error) };
  }
}

/** Where the member stands in its line; a missing one would stand at the line's last character, the closing brace. */
function memberColumn(text: string, error: MalformedRow): number {
  const at = text.indexOf(`${JSON.stringify(error.column)}:`);
  return at === -1 ? text.length : at + 1;
}
