import { HrtimerLoopError } from "@chronovisor/hrtimer";
import { LivelockError } from "../../machine/engine/engine.js";
import type { DocumentPath, DocumentSource } from "../source.js";

/** The vCPU that a machine stopped at, as far as its error names one. */
function culpritPath(culprit: string): DocumentPath {
  const id = /\bvCPU (\d+)$/.exec(culprit)?.[1];
  return id === undefined ? ["vms", 0, "vcpus"] : ["vms", 0, "vcpus", Number(id), "program"];
}

/**
 * Runs a document's machine; one in which time came to a stop is refused at the program that stopped it.
 *
 * @throws ChronovisorError with the place of that program.
 */
export function untilStuck<Result>(source: DocumentSource, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof LivelockError || error instanceof HrtimerLoopError)) throw error;
    const path = culpritPath(error instanceof LivelockError ? error.culprit : "");
    throw source.error(
      path,
      `expected time to pass, got a machine that is stuck: ${error.message.replace(/^machine: /, "")}; what takes no time may need some (host.costs)`,
    );
  }
}
