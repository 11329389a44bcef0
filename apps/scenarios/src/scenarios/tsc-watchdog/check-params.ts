import { ChronovisorError } from "../../errors.js";
import { formatInput } from "../../units/format-exact.js";
import type { TscWatchdogParams } from "./params.js";

/** Kconfig's range begins here. */
const LEAST_SKEW_NS = 50_000n;
/** Below this a host without scaling does not refuse the frequency: it makes up for it in software. */
const TOLERANCE_PPM = 250n;
const MILLION = 1_000_000n;

/**
 * Refuses parameters that are fine alone but contradict each other.
 *
 * @throws ChronovisorError naming the parameter, what it should have been and what it is
 */
export function checkParams({ hostKhz, guestKhz, scaling, calibration, maxSkew }: TscWatchdogParams): void {
  const given = formatInput(hostKhz, "kHz");
  if (maxSkew > 0n && maxSkew < LEAST_SKEW_NS) {
    throw new ChronovisorError(`maxSkew: expected 0, or 50us to 1ms, got "${formatInput(maxSkew, "ns")}"`);
  }
  if (maxSkew % 1_000n !== 0n) {
    throw new ChronovisorError(`maxSkew: expected whole microseconds, got "${formatInput(maxSkew, "ns")}"`);
  }
  if (scaling === "present") return;
  if (guestKhz > (hostKhz * (MILLION + TOLERANCE_PPM)) / MILLION) {
    throw new ChronovisorError(
      `hostKhz: expected at least guestKhz (${formatInput(guestKhz, "kHz")}) where nothing scales the TSC: a slower host catches up in software, got "${given}"`,
    );
  }
  if (calibration === "kept" && hostKhz > 2n * guestKhz) {
    throw new ChronovisorError(
      `hostKhz: expected at most twice guestKhz (${formatInput(2n * guestKhz, "kHz")}) where nothing scales the TSC, got "${given}"`,
    );
  }
}
