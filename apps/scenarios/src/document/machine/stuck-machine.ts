import { HrtimerLoopError } from "@chronovisor/hrtimer";
import { LivelockError } from "../../machine/engine.js";
import type { DocumentPath, DocumentSource } from "../source.js";
import type { MachineDocument } from "./machine-document.js";

/** The vCPU that a machine stopped at, as far as its error names one. */
function culpritPath(culprit: string, { vms: [vm] }: MachineDocument): DocumentPath {
  const vcpus = vm?.vcpus ?? [];
  const numbered = /^vCPU (\d+)$/.exec(culprit)?.[1];
  const at =
    numbered === undefined
      ? vcpus.findIndex(({ program }) => culprit === `guest program ${program}`)
      : Number(numbered);
  return at in vcpus ? ["vms", 0, "vcpus", at, "program"] : ["vms", 0, "vcpus"];
}

/**
 * Runs a document's machine; one in which time came to a stop is refused at the program that stopped it.
 *
 * @throws ChronovisorError with the place of that program.
 */
export function untilStuck<Result>(
  source: DocumentSource,
  document: MachineDocument,
  run: () => Result,
): Result {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof LivelockError || error instanceof HrtimerLoopError)) throw error;
    const path = culpritPath(error instanceof LivelockError ? error.culprit : "", document);
    throw source.error(
      path,
      `expected time to pass, got a machine that is stuck: ${error.message.replace(/^machine: /, "")}; what takes no time may need some (host.costs)`,
    );
  }
}
