import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { ChronovisorError } from "../errors.js";

/** A row file found in a data directory. */
export interface DataFile {
  readonly area: string;
  /** The name on disk, with its `.jsonl`. */
  readonly file: string;
  readonly path: string;
}

/** The ending of a row file. Anything else in an area's directory, such as a README, is not ours to read. */
export const ROW_FILE_SUFFIX = ".jsonl";

/**
 * Lists the row files of a data directory, by area and then by name.
 *
 * The layout is one sub-directory per area with its `.jsonl` files directly inside.
 *
 * @throws ChronovisorError when the directory cannot be read or holds no row file.
 */
export async function discoverFiles(directory: string): Promise<readonly DataFile[]> {
  const files: DataFile[] = [];
  for (const area of await names(directory)) {
    const areaPath = join(directory, area);
    if (!(await isDirectory(areaPath))) continue;
    for (const file of await names(areaPath)) {
      if (file.endsWith(ROW_FILE_SUFFIX)) files.push({ area, file, path: join(areaPath, file) });
    }
  }
  if (files.length === 0) {
    throw new ChronovisorError(
      `--data: expected sub-directories with ${ROW_FILE_SUFFIX} files, found none in ${directory}`,
    );
  }
  return files;
}

/** Directory order differs between file systems, and the report must not. */
async function names(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    throw new ChronovisorError(`--data: cannot read ${directory}: ${describe(error)}`);
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw new ChronovisorError(`--data: cannot read ${path}: ${describe(error)}`);
  }
}

function describe(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return "no such directory";
  if (code === "ENOTDIR") return "not a directory";
  if (code === "EACCES") return "permission denied";
  return error instanceof Error ? error.message : String(error);
}
