import { ChronovisorError } from "../errors.js";

/** The count the guest writes to TMICT for a period of `period` ns on a bus whose cycle is `busNs`. */
export function initialCount(period: bigint, busNs: bigint): number {
  const count = period / busNs;
  if (count * busNs !== period || count < 1n || count >= 2n ** 32n) {
    throw new ChronovisorError(
      `period: expected a multiple of busNs (${busNs}ns) that fits a 32-bit count, got "${period}ns"`,
    );
  }
  return Number(count);
}

/** KVM's lower limit on a periodic timer, min_timer_period_us. */
const MIN_PERIOD_NS = 200_000n;

/** The period the timer really runs at. */
export function effectivePeriod(period: bigint): bigint {
  return period < MIN_PERIOD_NS ? MIN_PERIOD_NS : period;
}
