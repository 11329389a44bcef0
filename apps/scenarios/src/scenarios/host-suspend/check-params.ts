import { ChronovisorError } from "../../errors.js";
import { formatInput } from "../../units/format-exact.js";
import type { HostSuspendParams } from "./params.js";

const NS_PER_MS = 1_000_000n;

/** Host TSC as the host goes to sleep. */
export function tscAtSleep({ age, hostKhz }: Pick<HostSuspendParams, "age" | "hostKhz">): bigint {
  return (age * hostKhz) / NS_PER_MS;
}

/**
 * Refuses parameters that are fine alone but contradict each other.
 *
 * @throws ChronovisorError naming the parameter, what it should have been and what it is
 */
export function checkParams(params: HostSuspendParams): void {
  const asleep = tscAtSleep(params);
  if (params.resetTo < asleep) return;
  throw new ChronovisorError(
    `resetTo: expected less than the TSC has as the host goes to sleep (${formatInput(asleep, "cycles")}), got "${formatInput(params.resetTo, "cycles")}"`,
  );
}
