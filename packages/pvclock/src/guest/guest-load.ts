/** A load the guest just made. */
export interface GuestLoad {
  /** Counts from 1; a reader that saw the version change starts over. */
  readonly attempt: number;
  /** The field, or `tsc` for the counter. */
  readonly load:
    | "version"
    | "tsc"
    | "tsc_timestamp"
    | "tsc_to_system_mul"
    | "tsc_shift"
    | "system_time"
    | "flags"
    | "sec"
    | "nsec"
    | "steal"
    | "sequence"
    | "scale"
    | "offset";
}

/** Between two attempts nothing but the caller's own callbacks can change memory, so one that fails this often will go on failing. */
const MAX_ATTEMPTS = 1000;

/** Runs a reader to its end, or gives up with undefined. */
export function runAttempts<Result>(steps: Generator<GuestLoad, Result, void>): Result | undefined {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (step.value.attempt > MAX_ATTEMPTS) return undefined;
  }
}
