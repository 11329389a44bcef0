export type { Leap } from "./ntp/leap-second.js";
export {
  ADJ_ESTERROR,
  ADJ_FREQUENCY,
  ADJ_MAXERROR,
  ADJ_MICRO,
  ADJ_NANO,
  ADJ_OFFSET,
  ADJ_OFFSET_SINGLESHOT,
  ADJ_OFFSET_SS_READ,
  ADJ_SETOFFSET,
  ADJ_STATUS,
  ADJ_TAI,
  ADJ_TICK,
  ADJ_TIMECONST,
} from "./ntp/modes.js";
export type { NtpStateOptions, NtpView } from "./ntp/ntp-state.js";
export { NtpState } from "./ntp/ntp-state.js";
export type { NtpStateData } from "./ntp/ntp-state-data.js";
export type { NtpTimeState } from "./ntp/status.js";
export {
  STA_CLK,
  STA_CLOCKERR,
  STA_DEL,
  STA_FLL,
  STA_FREQHOLD,
  STA_INS,
  STA_MODE,
  STA_NANO,
  STA_PLL,
  STA_PPSERROR,
  STA_PPSFREQ,
  STA_PPSJITTER,
  STA_PPSSIGNAL,
  STA_PPSTIME,
  STA_PPSWANDER,
  STA_RONLY,
  STA_UNSYNC,
  TIME_DEL,
  TIME_ERROR,
  TIME_INS,
  TIME_OK,
  TIME_OOP,
  TIME_WAIT,
} from "./ntp/status.js";
export type {
  AdjtimexClock,
  AdjtimexResult,
  NtpAdjtimexOutcome,
  Timex,
  TimexTime,
} from "./ntp/timex.js";
export type { ChronyServoOptions, Makestep } from "./servo/chrony-options.js";
export type { ChronyServoState } from "./servo/chrony-servo.js";
export { ChronyServo } from "./servo/chrony-servo.js";
export type { ClockSteeringState } from "./servo/clock-steering.js";
export type { NtpdServoOptions, PanicGate } from "./servo/ntpd-options.js";
export type { NtpdServoState } from "./servo/ntpd-servo.js";
export { NtpdServo } from "./servo/ntpd-servo.js";
export type { JitterDistribution, RandomSource } from "./servo/random-source.js";
export type { ReferenceClockOptions } from "./servo/reference-clock.js";
export { ReferenceClock } from "./servo/reference-clock.js";
export type { PhaseSampleState } from "./servo/sample-history.js";
export type {
  OffsetMeasurement,
  SampleVerdict,
  ServoEvents,
  ServoOptions,
  ServoSample,
  Slew,
  SteerableClock,
  TimeReference,
} from "./servo/seams.js";
export type { TimekeeperWarning } from "./timekeeper/core.js";
export type { TimekeeperOffsets } from "./timekeeper/published.js";
export type { ClockBase, ClockBases, ClockReadingsAt } from "./timekeeper/read-clocks.js";
export { readClocks } from "./timekeeper/read-clocks.js";
export type { TimekeeperClocksource, TimekeeperIntervals } from "./timekeeper/setup.js";
export { setupInternals } from "./timekeeper/setup.js";
export { Timekeeper } from "./timekeeper/timekeeper.js";
export type {
  TimekeeperEvents,
  TimekeeperOptions,
  TimekeeperState,
  TimekeeperSurroundings,
} from "./timekeeper/timekeeper-types.js";
export type { Timespec } from "./timekeeper/timespec.js";
