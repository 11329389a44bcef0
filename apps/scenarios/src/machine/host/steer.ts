import { ADJ_FREQUENCY, ADJ_TICK, type Timekeeper } from "@chronovisor/timekeeper";

/** Parts per 10^9 that one microsecond of the NTP tick is worth: of 10 000, at USER_HZ 100. */
const PPB_PER_TICK_US = 100_000n;
const NOMINAL_TICK_US = 10_000n;
/** What the frequency of adjtimex alone reaches: 500 ppm. */
const FREQUENCY_REACH_PPB = 500_000n;
/** The frequency's unit: 2^-16 ppm. */
const FREQUENCY_UNITS_PER_PPM = 65_536n;

/**
 * Has NTP hold CLOCK_MONOTONIC at a rate error from now on, as a daemon does: by the frequency alone up to 500 ppm, beyond
 * by the tick, with the frequency making up the rest.
 *
 * @param ratePpb - parts per 10^9, −100 500 000 … 100 500 000.
 * @throws RangeError for a rate that adjtimex does not reach.
 */
export function steerTo(timekeeper: Timekeeper, ratePpb: bigint): void {
  const size = ratePpb < 0n ? -ratePpb : ratePpb;
  const ticks = size <= FREQUENCY_REACH_PPB ? 0n : (size + PPB_PER_TICK_US / 2n) / PPB_PER_TICK_US;
  const tickUs = NOMINAL_TICK_US + (ratePpb < 0n ? -ticks : ticks);
  const restPpb = ratePpb - (tickUs - NOMINAL_TICK_US) * PPB_PER_TICK_US;
  const freq = (restPpb * FREQUENCY_UNITS_PER_PPM) / 1000n;
  const { result } = timekeeper.adjtimex({ modes: ADJ_TICK | ADJ_FREQUENCY, tick: tickUs, freq });
  if (result >= 0) return;
  throw new RangeError(`steerTo: expected a rate within ±100500 ppm, got ${ratePpb} ppb`);
}
