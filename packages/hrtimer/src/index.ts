export type { HrtimerAxis, HrtimerBehaviours } from "./behaviours.js";
export { HRTIMER_BEHAVIOURS } from "./behaviours.js";
export type { ClockOffsets, HrtimerClock } from "./clock.js";
export type { ClockEventConfig, ClockEventHardwareLimits } from "./clock-event-config.js";
export { clockEventConfig } from "./clock-event-config.js";
export type {
  ClockEventDeviceOptions,
  ClockEventDeviceState,
  ClockEventHardware,
} from "./clock-event-device.js";
export { ClockEventDevice } from "./clock-event-device.js";
export type { HrtimerClockId } from "./clock-id.js";
export { CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_TAI } from "./clock-id.js";
export { HrtimerDeadlockError, HrtimerLoopError } from "./errors.js";
export type { EventDevice, ProgramForce } from "./event-device.js";
export type { HrtimerEvents, HrtimerWarning } from "./events.js";
export type { ExpiresRange } from "./expires-range.js";
export { setExpiresRange } from "./expires-range.js";
export type { Forwarded, ForwardInput } from "./forward.js";
export { hrtimerForward } from "./forward.js";
export type { CancelResult, Hrtimer } from "./hrtimer.js";
export type { HrtimerCpu } from "./hrtimer-cpu.js";
export { KTIME_MAX, ktimeAdd, ktimeAddSafe, ktimeSub } from "./ktime.js";
export type { HrtimerMode } from "./mode.js";
export {
  HRTIMER_MODE_ABS,
  HRTIMER_MODE_HARD,
  HRTIMER_MODE_PINNED,
  HRTIMER_MODE_REL,
  HRTIMER_MODE_SOFT,
} from "./mode.js";
export type { EqualTarget, TimerMigration } from "./placement.js";
export type { ClockSet, CreateTimerOptions, HrtimerSystemOptions } from "./system.js";
export { HrtimerSystem } from "./system.js";
export type { HrtimerCpuState, HrtimerState, HrtimerSystemState } from "./system-state.js";
export type { CreateTimer, OnExpiry, Timer } from "./timer.js";
export type { ExpiryDomain, QueueEntry, TimerHandle, TimerQueueState } from "./timer-queue.js";
export { TimerQueue } from "./timer-queue.js";
export type { Topology } from "./topology.js";
export type { TscDeadlineTimerOptions, TscDeadlineTimerState } from "./tsc-deadline-timer.js";
export { TscDeadlineTimer } from "./tsc-deadline-timer.js";
