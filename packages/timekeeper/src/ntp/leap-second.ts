import { SECS_PER_DAY } from "./limits.js";
import type { NtpData } from "./ntp-data.js";
import { STA_DEL, STA_INS, TIME_DEL, TIME_INS, TIME_OK, TIME_OOP, TIME_WAIT } from "./status.js";

/** What the timekeeper adds to xtime_sec: −1 inserts a second, 1 deletes one. */
export type Leap = -1 | 0 | 1;

/**
 * One step of the leap machine at the start of second `secs`; at most one transition a second
 * (`second_overflow`; docs/model/timekeeping-ntp §3).
 *
 * | from | when | to | leap |
 * |---|---|---|---|
 * | OK | INS set | INS, due at the next midnight | 0 |
 * | OK | only DEL set | DEL, due at the next 23:59:59 | 0 |
 * | INS | INS clear | OK | 0 |
 * | INS | the second is due | OOP | −1 |
 * | DEL | DEL clear | OK | 0 |
 * | DEL | the second is due | WAIT | 1 |
 * | OOP | always | WAIT | 0 |
 * | WAIT | INS and DEL clear | OK | 0 |
 *
 * A Clear forgets the due second but keeps the state: INS or DEL then waits without end, until its bit is cleared.
 */
export function stepLeap(ntp: NtpData, secs: bigint): Leap {
  switch (ntp.timeState) {
    case TIME_OK:
      if (ntp.timeStatus & STA_INS) {
        ntp.timeState = TIME_INS;
        ntp.nextLeapSec = secs + SECS_PER_DAY - (secs % SECS_PER_DAY);
      } else if (ntp.timeStatus & STA_DEL) {
        ntp.timeState = TIME_DEL;
        ntp.nextLeapSec = secs + SECS_PER_DAY - ((secs + 1n) % SECS_PER_DAY);
      }
      return 0;
    case TIME_INS:
      if (!(ntp.timeStatus & STA_INS)) return settle(ntp, TIME_OK);
      if (secs !== ntp.nextLeapSec) return 0;
      ntp.timeState = TIME_OOP;
      return -1;
    case TIME_DEL:
      if (!(ntp.timeStatus & STA_DEL)) return settle(ntp, TIME_OK);
      if (secs !== ntp.nextLeapSec) return 0;
      settle(ntp, TIME_WAIT);
      return 1;
    case TIME_OOP:
      return settle(ntp, TIME_WAIT);
    case TIME_WAIT:
      if (!(ntp.timeStatus & (STA_INS | STA_DEL))) ntp.timeState = TIME_OK;
      return 0;
  }
}

/** No leap second is due any more. */
function settle(ntp: NtpData, state: typeof TIME_OK | typeof TIME_WAIT): 0 {
  ntp.timeState = state;
  ntp.nextLeapSec = undefined;
  return 0;
}
