import { resolve } from "node:path";
import { ChronovisorError } from "../errors.js";
import { conform } from "./conform.js";
import { formatReport } from "./format-report.js";
import { conforms } from "./report.js";

/** The options of `chronovisor conform`, as typed. */
export interface ConformCommandOptions {
  /** `--data DIR` */
  readonly data?: string | undefined;
  /** `--area A`: each entry may itself be a comma list, so the flag can repeat or not. */
  readonly area?: string | readonly string[] | undefined;
  /** `--strict`: a file that no replay covers fails. */
  readonly strict?: boolean | undefined;
  /** `--json`: one JSON object and nothing else. */
  readonly json?: boolean | undefined;
}

/** Where the command prints. `process` is one. */
export interface ConformIo {
  readonly stdout: { write(text: string): unknown };
}

/**
 * Runs `chronovisor conform` and returns its exit code: 0 when everything agreed, 1 when a row failed or, under
 * `--strict`, a file was not covered.
 *
 * @throws ChronovisorError for a bad request (exit 2), before anything was printed.
 */
export async function conformCommand(options: ConformCommandOptions, io: ConformIo): Promise<number> {
  const strict = options.strict ?? false;
  // resolve("") would be the working directory: an unset shell variable must not replay whatever lies there.
  if (options.data === "") throw new ChronovisorError('--data: expected a directory, got ""');
  const report = await conform({
    data: options.data === undefined ? undefined : resolve(options.data),
    areas: splitAreas(options.area),
  });
  io.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : formatReport(report, { strict }));
  return conforms(report, { strict }) ? 0 : 1;
}

function splitAreas(area: string | readonly string[] | undefined): readonly string[] | undefined {
  return area === undefined
    ? undefined
    : [area].flat().flatMap((names) => names.split(",").map((name) => name.trim()));
}
