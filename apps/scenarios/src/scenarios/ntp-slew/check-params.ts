import { ChronovisorError } from "../../errors.js";
import { formatInput } from "../../units/format-exact.js";
import type { NtpSlewParams } from "./params.js";

/** What the preemption timer that L1 sees can count: 32 bits of 32 cycles, which is the reach of the host's own too. */
const NESTED_REACH_CYCLES = 2n ** 37n - 1n;

/**
 * Refuses parameters that are fine alone but contradict each other.
 *
 * @throws ChronovisorError naming the parameter, what it should have been and what it is
 */
export function checkParams(p: NtpSlewParams): void {
  if (p.changeAt >= p.longWait) {
    throw new ChronovisorError(
      `changeAt: expected less than longWait (${formatInput(p.longWait, "ns")}), got "${formatInput(p.changeAt, "ns")}"`,
    );
  }
  checkReach("wait", p.wait, p.hostKhz);
  checkReach("longWait", p.longWait, p.hostKhz);
}

function checkReach(name: string, waitNs: bigint, hostKhz: bigint): void {
  if ((waitNs * hostKhz) / 1_000_000n < NESTED_REACH_CYCLES) return;
  // To a millisecond, for reading.
  const longestNs = (NESTED_REACH_CYCLES / hostKhz) * 1_000_000n;
  throw new ChronovisorError(
    `${name}: expected at most ${formatInput(longestNs, "ns")}, the reach of a preemption timer at ${formatInput(hostKhz, "kHz")}, got "${formatInput(waitNs, "ns")}"`,
  );
}
