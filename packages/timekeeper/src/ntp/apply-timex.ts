import { clamp } from "./arithmetic.js";
import { MAX_TAI_OFFSET, MAXFREQ_SCALED, MAXTC, NTP_PHASE_LIMIT, PPM_SCALE } from "./limits.js";
import {
  ADJ_ESTERROR,
  ADJ_FREQUENCY,
  ADJ_MAXERROR,
  ADJ_MICRO,
  ADJ_NANO,
  ADJ_OFFSET,
  ADJ_STATUS,
  ADJ_TAI,
  ADJ_TICK,
  ADJ_TIMECONST,
} from "./modes.js";
import type { NtpData } from "./ntp-data.js";
import { STA_NANO, STA_PLL, STA_RONLY, STA_UNSYNC, TIME_OK } from "./status.js";
import type { AdjtimexClock } from "./timex.js";
import type { TimexRequest } from "./timex-request.js";
import { updateFrequency } from "./update-frequency.js";
import { updateOffset } from "./update-offset.js";

/** What STA_NANO's absence adds to a time constant: NTP daemons that count in µs speak of one 4 lower. */
const MICRO_TIMECONST = 4;

/**
 * Sets what `modes` names, in the kernel's order: the status first, so that the units it names hold for the rest of the
 * call; one computation of the base last (`process_adjtimex_modes`; docs/model/timekeeping-ntp §3).
 *
 * @returns TAI − UTC as it is afterwards, s. ADJ_TAI outside 0 … 100 000 is ignored, as by the kernel.
 */
export function applyTimex(ntp: NtpData, timex: TimexRequest, clock: AdjtimexClock): number {
  const { modes } = timex;
  let { taiOffsetSec } = clock;
  if (modes & ADJ_STATUS) applyStatus(ntp, timex.status, clock.xtimeSec);
  if (modes & ADJ_NANO) ntp.timeStatus |= STA_NANO;
  if (modes & ADJ_MICRO) ntp.timeStatus &= ~STA_NANO;
  if (modes & ADJ_FREQUENCY) {
    ntp.timeFreq = clamp(timex.freq * PPM_SCALE, -MAXFREQ_SCALED, MAXFREQ_SCALED);
  }
  if (modes & ADJ_MAXERROR) ntp.timeMaxerror = clamp(timex.maxerror, 0n, NTP_PHASE_LIMIT);
  if (modes & ADJ_ESTERROR) ntp.timeEsterror = clamp(timex.esterror, 0n, NTP_PHASE_LIMIT);
  if (modes & ADJ_TIMECONST) ntp.timeConstant = timeConstant(ntp, timex.constant);
  if (modes & ADJ_TAI) {
    const tai = timex.constant;
    if (tai >= 0n && tai <= MAX_TAI_OFFSET) taiOffsetSec = Number(tai);
  }
  if (modes & ADJ_OFFSET) updateOffset(ntp, timex.offset, clock.xtimeSec);
  if (modes & ADJ_TICK) ntp.tickUsec = timex.tick;
  if (modes & (ADJ_TICK | ADJ_FREQUENCY | ADJ_OFFSET)) updateFrequency(ntp);
  return taiOffsetSec;
}

/** Leaving the loop starts over: no leap second, and even the read-only bits (STA_NANO among them) are gone. */
function applyStatus(ntp: NtpData, status: number, xtimeSec: bigint): void {
  const wasLocked = ntp.timeStatus & STA_PLL;
  const locks = status & STA_PLL;
  if (wasLocked && !locks) {
    ntp.timeState = TIME_OK;
    ntp.timeStatus = STA_UNSYNC;
    ntp.nextLeapSec = undefined;
  }
  if (!wasLocked && locks) ntp.timeReftime = xtimeSec;
  ntp.timeStatus = (ntp.timeStatus & STA_RONLY) | (status & ~STA_RONLY);
}

function timeConstant(ntp: NtpData, constant: bigint): number {
  const clamped = Number(clamp(constant, 0n, BigInt(MAXTC)));
  return ntp.timeStatus & STA_NANO ? clamped : Math.min(clamped + MICRO_TIMECONST, MAXTC);
}
