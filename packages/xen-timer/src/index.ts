export type { XenTimerAxis, XenTimerBehaviours } from "./behaviours.js";
export { NEWEST_XEN_TIMER_BEHAVIOURS, XEN_TIMER_BEHAVIOURS } from "./behaviours.js";
export type { VcpuGuestClock, XenGuestClock, XenHostClock } from "./clocks.js";
export type { DeliveryResult, Upcall } from "./events/delivery-result.js";
export { DELIVERY_CODES } from "./events/delivery-result.js";
export type {
  EventChannelEvents,
  EventChannelsOptions,
  EventChannelsState,
  PolledPort,
} from "./events/event-channels.js";
export { EventChannels } from "./events/event-channels.js";
export type {
  DecodedHypercall,
  HypercallMode,
  HypercallParams,
  HypercallRegisters,
  PrivilegeLevel,
} from "./hypercall/abi.js";
export {
  decodeHypercall,
  HYPERVISOR_SCHED_OP,
  HYPERVISOR_SET_TIMER_OP,
  HYPERVISOR_VCPU_OP,
  hypercallPage,
  hypercallRax,
  SCHEDOP_POLL,
  SCHEDOP_YIELD,
  setTimerTimeout,
  VCPUOP_SET_PERIODIC_TIMER,
  VCPUOP_SET_SINGLESHOT_TIMER,
  VCPUOP_STOP_PERIODIC_TIMER,
  VCPUOP_STOP_SINGLESHOT_TIMER,
} from "./hypercall/abi.js";
export type { XenGuestMemory } from "./hypercall/guest-memory.js";
export { pollTimeoutJiffies } from "./hypercall/poll.js";
export type { RunstateOptions, RunstateState } from "./runstate/runstate.js";
export { Runstate } from "./runstate/runstate.js";
export type { RunstateAttribute, RunstateTimes, RunstateValue } from "./runstate/runstate-types.js";
export {
  RUNSTATE_BLOCKED,
  RUNSTATE_OFFLINE,
  RUNSTATE_RUNNABLE,
  RUNSTATE_RUNNING,
} from "./runstate/runstate-types.js";
export type { RatePair, SampleErrors } from "./timer/accuracy.js";
export { rateLateness, samplingLateness } from "./timer/accuracy.js";
export type { XenTimerEvents, XenTimerExpiry, XenTimerStart } from "./timer/events.js";
export type { SamplePath } from "./timer/sampling.js";
export type { PlannedTimeout, TimeoutRequest, TimeoutWorkaround } from "./timer/timeout.js";
export { hostExpiry, planTimeout } from "./timer/timeout.js";
export type {
  XenTimerAttribute,
  XenTimerDelivery,
  XenTimerOptions,
  XenTimerState,
} from "./timer/xen-timer.js";
export { PRIORITY_2LEVEL, VCPU_SSHOTTMR_FUTURE, XenTimer } from "./timer/xen-timer.js";
export type { XenVcpuPort } from "./vcpu-port.js";
export type { GuestAreaMapping, GuestAreaState } from "./vm/guest-area.js";
export { GuestArea } from "./vm/guest-area.js";
export type { SharedInfoLayout, XenLayout } from "./vm/shared-info-layout.js";
export { SHARED_INFO_LAYOUTS } from "./vm/shared-info-layout.js";
export type { XenWallClock } from "./vm/wall-clock.js";
export { readXenWallClock, writeXenWallClock } from "./vm/wall-clock.js";
export type { XenVmOptions, XenVmState, XenWallClockSource } from "./vm/xen-vm.js";
export { XenVm } from "./vm/xen-vm.js";
export type {
  XenHypercall,
  XenHypercallExit,
  XenHypercallOutcome,
  XenVcpuOptions,
  XenVcpuState,
} from "./xen-vcpu.js";
export { XenVcpu } from "./xen-vcpu.js";
