import { ChronovisorError } from "../../errors.js";
import { formatInput } from "../../units/format-exact.js";
import type { SetClockPauseParams } from "./params.js";

/**
 * Refuses parameters that are fine alone but contradict each other.
 *
 * @throws ChronovisorError naming the parameter, what it should have been and what it is
 */
export function checkParams({ set, kvmclock, back, gap, age }: SetClockPauseParams): void {
  if (set !== "clock" && kvmclock === "old") {
    throw new ChronovisorError(
      `set: expected clock for a guest without a master clock (kvmclock=old), got "${set}"`,
    );
  }
  if (set !== "realtime" && gap > 0n) {
    throw new ChronovisorError(
      `gap: expected 0 where CLOCK_REALTIME is not read (set=${set}), got "${formatInput(gap, "ns")}"`,
    );
  }
  const given = formatInput(back, "ns");
  if (set === "guest" && back > 0n) {
    throw new ChronovisorError(
      `back: expected 0 where the clock goes on by the guest's TSC (set=guest), got "${given}"`,
    );
  }
  if (back > age / 2n) {
    throw new ChronovisorError(
      `back: expected at most half of age (${formatInput(age / 2n, "ns")}), got "${given}"`,
    );
  }
}
