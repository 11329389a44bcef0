import { ChronovisorError } from "../../errors.js";
import type { KernelChoice } from "../../kernels/kernels.js";
import { type XenTimerChoice, xenTimerBehaviours } from "../../kernels/xen-behaviours.js";
import { formatInput } from "../../units/format-exact.js";
import { callAgeNs } from "./call-instant.js";
import type { XenAccuracyParams } from "./params.js";

/** What `age` may be at most, in ns: hostTsc is held to the same. */
const LONGEST_AGE_NS = 30n * 86_400n * 1_000_000_000n;

/** The kernel's Xen timer. @throws ChronovisorError for a kernel without one */
export function requireXenTimer(kernel: KernelChoice): XenTimerChoice {
  const choice = xenTimerBehaviours(kernel.axes);
  if (choice !== undefined) return choice;
  throw new ChronovisorError(`kernel: expected one with a Xen timer, v5.19 or newer, got "${kernel.name}"`);
}

/**
 * Refuses parameters that are fine alone but contradict each other.
 *
 * @throws ChronovisorError naming the parameter, what it should have been and what it is
 */
export function checkParams(params: XenAccuracyParams): void {
  const { hostTsc, referenceTsc, reset, age } = params;
  if (age === 0n && hostTsc < referenceTsc) {
    throw new ChronovisorError(
      `hostTsc: expected at least referenceTsc (${formatInput(referenceTsc, "cycles")}), got "${formatInput(hostTsc, "cycles")}"`,
    );
  }
  const ageNs = callAgeNs(params);
  if (ageNs > LONGEST_AGE_NS) {
    throw new ChronovisorError(
      `hostTsc: expected at most ${formatInput(LONGEST_AGE_NS, "ns")} after referenceTsc, got "${formatInput(hostTsc, "cycles")}"`,
    );
  }
  if (reset > ageNs) {
    throw new ChronovisorError(
      `reset: expected at most the age of the timer (${formatInput(ageNs, "ns")}), got "${formatInput(reset, "ns")}"`,
    );
  }
}
