import { ChronovisorError } from "../errors.js";

/** What the system says less clearly than it could. */
const CLEARER: Readonly<Record<string, string>> = {
  "illegal operation on a directory": "it is a directory",
};

/** What the system said, without the path, which is told already: `no such file or directory`, `no space left on device`. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const reason = /^[A-Z0-9]+: ([^,]+)/.exec(message)?.[1] ?? message;
  return CLEARER[reason] ?? reason;
}

/** The error for a file that could not be `read` or `written`, in one line that names it as it was asked for. */
export function fileFault(path: string, verb: "read" | "written", error: unknown): ChronovisorError {
  return new ChronovisorError(`${path}: cannot be ${verb}: ${reasonOf(error)}`);
}
