/** A store the host just made in guest memory. */
export interface HostStore {
  /** Byte offset in the area. */
  readonly offset: number;
  /** A `version` stands alone; `body` is one word of the structure; the others are single bytes of that name. */
  readonly store: "version" | "body" | "flags" | "preempted";
}

/** Runs a step machine to its end without looking at the steps. */
export function finish<Result>(steps: Generator<unknown, Result, void>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
