/**
 * The one error class for requests the app cannot carry out: unknown names, values out of range, unreadable files.
 * The command prints its message as one line and exits 2.
 */
export class ChronovisorError extends Error {
  override readonly name = "ChronovisorError";
}
