import type { TimekeeperCore } from "./core.js";

const U = BigInt.asUintN;
const S = BigInt.asIntN;

/**
 * Steers the multiplier toward NTP's tick length, with `offset` cycles not yet accumulated (`timekeeping_adjust`;
 * docs/model/timekeeping-ntp §4).
 *
 * The wanted multiplier is floored, so the clock runs a little slow of NTP; while it is behind (`ntp_error` above 0) the
 * multiplier is one higher. One unit is 149 ppb at 2.5 GHz.
 */
export function adjust(core: TimekeeperCore, offset: bigint, tickLength: bigint): void {
  let mult = core.mult - core.ntpErrMult;
  if (core.ntpTick !== tickLength) {
    core.ntpTick = tickLength;
    mult = wantedMult(core);
  }
  core.ntpErrMult = core.ntpError > 0n ? 1 : 0;
  applyAdjustment(core, offset, (mult + core.ntpErrMult - core.mult) | 0);
  warnBeyondMaxadj(core);
  if (S(64, core.xtimeNsec) < 0n) borrowSecond(core);
}

/** The largest multiplier that is not too fast for NTP's tick. Divided as u64, kept as u32. */
function wantedMult(core: TimekeeperCore): number {
  const { ntpTick, ntpErrorShift, xtimeRemainder, cycleInterval } = core;
  return Number(U(32, U(64, (ntpTick >> ntpErrorShift) - xtimeRemainder) / cycleInterval));
}

/**
 * Adds `by` to the multiplier, and takes what it makes of the `offset` cycles since the last accumulation from the base: the
 * clock's value does not jump at this instant (`timekeeping_apply_adjustment`).
 *
 * @param by - s32.
 */
function applyAdjustment(core: TimekeeperCore, offset: bigint, by: number): void {
  if (by === 0) return;
  const mult = (core.mult + by) >>> 0;
  if (by > 0 && mult < by) {
    core.warnOnce("mult-wrap");
    return;
  }
  const moved = BigInt(by) * offset;
  core.mult = mult;
  core.xtimeInterval += BigInt(by) * core.cycleInterval;
  core.xtimeNsec -= moved;
  core.ntpError += moved << core.ntpErrorShift;
}

/** Only a warning: the multiplier is not held back. */
function warnBeyondMaxadj(core: TimekeeperCore): void {
  const { mult, maxadj } = core.clocksource;
  if (maxadj !== 0 && Math.abs((core.mult - mult) | 0) > maxadj) core.warnOnce("mult-beyond-maxadj");
}

/**
 * The correction left less than nothing of the second: it is taken back. NTP's work for it was done already, so the next
 * carry skips it.
 */
function borrowSecond(core: TimekeeperCore): void {
  core.xtimeNsec += core.second;
  core.xtimeSec -= 1n;
  core.skipSecondOverflow = true;
}
