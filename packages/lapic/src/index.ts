export type { ApicBusOptions } from "./bus/apic-bus.js";
export { ApicBus } from "./bus/apic-bus.js";
export type { ApicBusNode } from "./bus/apic-bus-node.js";
export type { ApicIdentity, ApicMode } from "./bus/apic-identity.js";
export type {
  ApicInterrupt,
  ApicLevel,
  ApicMessage,
  ApicMessageSource,
  DestinationMode,
  DestinationShorthand,
} from "./bus/apic-message.js";
export {
  DELIVERY_MODE_EXTINT,
  DELIVERY_MODE_FIXED,
  DELIVERY_MODE_INIT,
  DELIVERY_MODE_LOWEST_PRIORITY,
  DELIVERY_MODE_NMI,
  DELIVERY_MODE_REMOTE_READ,
  DELIVERY_MODE_SIPI,
  DELIVERY_MODE_SMI,
} from "./bus/apic-message.js";
export type {
  ApicMapInhibit,
  BuiltDestinationMap,
  DestinationMap,
  LogicalTargets,
  MapLogicalMode,
} from "./bus/destination-map.js";
export { buildDestinationMap, logicalTargets } from "./bus/destination-map.js";
export type { VectorHashing } from "./bus/lowest-priority.js";
export { leastPickedIndex, vectorHashIndex } from "./bus/lowest-priority.js";
export type { BroadcastQuirk } from "./bus/match-destination.js";
export {
  matchesLogical,
  matchesMessage,
  matchesPhysical,
  X2APIC_BROADCAST,
  XAPIC_BROADCAST,
  x2apicLdr,
} from "./bus/match-destination.js";
export type { HypercallWidth, PvIpi, PvIpiRequest } from "./bus/pv-ipi.js";
export { decodePvIpi, PV_IPI_INVALID, PV_IPI_UNSUPPORTED } from "./bus/pv-ipi.js";
export type { LocalApicAxis, LocalApicBehaviours } from "./device/behaviours.js";
export { LOCAL_APIC_BEHAVIOURS } from "./device/behaviours.js";
export type { ApicRunState, PinLevel } from "./device/core.js";
export {
  ESR_ILLEGAL_REGISTER_ADDRESS,
  ESR_RECEIVE_ILLEGAL_VECTOR,
  ESR_SEND_ILLEGAL_VECTOR,
} from "./device/error-status.js";
export type {
  BadAccessOutcome,
  BadAccessReason,
  BadApicAccess,
  LocalApicEvents,
} from "./device/events.js";
export { LocalApic } from "./device/local-apic.js";
export type { LocalInterruptSource } from "./device/local-vectors.js";
export type { ApicMessageBus, LocalApicConfig, LocalApicOptions } from "./device/options.js";
export type { LintPin } from "./device/pins.js";
export type { LocalApicState } from "./device/state.js";
export type { ApicvInhibit, LocalApicVcpu } from "./device/vcpu.js";
export type { IcrFields, X2apicIcrWrite } from "./icr/icr.js";
export {
  encodeIcr,
  encodeIcr2,
  encodeX2apicIcr,
  ICR_STORED_MASK,
  ICR2_STORED_MASK,
  selfIpiMessage,
  X2APIC_ICR_RESERVED,
  x2apicIcrWrite,
  xapicIcrMessage,
} from "./icr/icr.js";
export type { ApicIdFormat, MsiFields, MsiWrite } from "./icr/msi.js";
export { encodeMsi, msiMessage } from "./icr/msi.js";
export type {
  NestedEntry,
  NestedPreemptionTimerOptions,
  NestedPreemptionTimerState,
} from "./nested/nested-preemption-timer.js";
export { NestedPreemptionTimer } from "./nested/nested-preemption-timer.js";
export type {
  EntryKind,
  PreemptionTimerOptions,
  PreemptionTimerState,
} from "./preemption/preemption-timer.js";
export {
  PreemptionTimer,
  preemptionTimerDelta,
  preemptionTimerExpiry,
  preemptionTimerUsable,
} from "./preemption/preemption-timer.js";
export type {
  MultiplexedTimer,
  PreemptionTimerMultiplexerState,
} from "./preemption/preemption-timer-multiplexer.js";
export { PreemptionTimerMultiplexer } from "./preemption/preemption-timer-multiplexer.js";
export type { PreemptionTimerPort, PreemptionTimerResult } from "./preemption/preemption-timer-port.js";
export type { InterruptStateJson, TriggerMode } from "./priority/interrupt-state.js";
export { InterruptState } from "./priority/interrupt-state.js";
export { NO_VECTOR, VectorSet } from "./priority/vector-set.js";
export type { ApicBaseRules, ApicWriter } from "./registers/apic-base.js";
export {
  APIC_BASE_BSP,
  APIC_BASE_ENABLE,
  APIC_BASE_EXTD,
  APIC_DEFAULT_PHYS_BASE,
  apicBaseWrite,
} from "./registers/apic-base.js";
export {
  APIC_ARBPRI,
  APIC_DFR,
  APIC_EOI,
  APIC_ESR,
  APIC_ICR,
  APIC_ICR2,
  APIC_ID,
  APIC_IRR,
  APIC_ISR,
  APIC_LDR,
  APIC_LVR,
  APIC_LVT0,
  APIC_LVT1,
  APIC_LVTCMCI,
  APIC_LVTERR,
  APIC_LVTPC,
  APIC_LVTT,
  APIC_LVTTHMR,
  APIC_PROCPRI,
  APIC_RRR,
  APIC_SELF_IPI,
  APIC_SPIV,
  APIC_TASKPRI,
  APIC_TDCR,
  APIC_TMCCT,
  APIC_TMICT,
  APIC_TMR,
  MSR_IA32_APICBASE,
  MSR_IA32_TSC_DEADLINE,
  X2APIC_MSR_FIRST,
  X2APIC_MSR_LAST,
} from "./registers/offsets.js";
export { APIC_PAGE_SIZE } from "./registers/register-file.js";
export type { ApicRegister, RegisterAccess } from "./registers/register-map.js";
export { APIC_REGISTERS, apicRegisterAt, x2apicMsr } from "./registers/register-map.js";
export { SVR_APIC_ENABLED, SVR_SUPPRESS_EOI_BROADCAST } from "./registers/spurious-vector.js";
export type { AdvanceConfig, TimerAdvanceState } from "./timer/advance.js";
export { adjustTimerAdvance, TimerAdvance } from "./timer/advance.js";
export type { AdvanceWait } from "./timer/advance-wait.js";
export type { BacklogSkip } from "./timer/backlog.js";
export type {
  DeadlineClockExperiment,
  LapicTimerAxis,
  LapicTimerBehaviours,
  PeriodicAdvanceProposal,
} from "./timer/behaviours.js";
export {
  DEADLINE_CLOCK_EXPERIMENTS,
  LAPIC_TIMER_BEHAVIOURS,
  NEWEST_LAPIC_TIMER_BEHAVIOURS,
  PERIODIC_ADVANCE_PROPOSALS,
} from "./timer/behaviours.js";
export type { CurrentCountInputs } from "./timer/count.js";
export { divideCount, limitPeriodicTimerPeriod, periodFromCount, tmcct, tmictToNs } from "./timer/count.js";
export type { DeadlineClock, DeadlineClockRule } from "./timer/deadline-clock.js";
export { DEADLINE_CLOCK_RULES, deadlineClockDelayNs } from "./timer/deadline-clock.js";
export type { DeadlineTimerState } from "./timer/deadline-timer.js";
export type {
  DeadlineClockEvents,
  ExpiryOutcome,
  ExpirySource,
  IgnoredTimerWrite,
  LapicTimerEvents,
  RecheckOutcome,
  TimerArming,
  TimerBackend,
  TimerExpiry,
  TimerWarning,
} from "./timer/events.js";
export { LapicTimer } from "./timer/lapic-timer.js";
export type { LapicTimerConfig, LapicTimerOptions } from "./timer/options.js";
export { busCycleNsAccepted } from "./timer/options.js";
export type { AdvancedDeadlines } from "./timer/periodic-advance.js";
export { advancePeriodic } from "./timer/periodic-advance.js";
export type { CreateRawTimer, OnRawExpiry, RawTimer } from "./timer/raw-timer.js";
export type { TimerModeNumber } from "./timer/registers.js";
export {
  LVT_MASKED,
  LVT_VECTOR_MASK,
  LVTT_MODE_MASK,
  LVTT_ONE_SHOT,
  LVTT_PERIODIC,
  LVTT_STORED_MASK,
  LVTT_TSC_DEADLINE,
  MODE_MASK_NONE,
  MODE_MASK_PERIODIC,
  MODE_MASK_TSC_DEADLINE,
  TDCR_STORED_MASK,
  TIMER_MODE_ONE_SHOT,
  TIMER_MODE_PERIODIC,
  TIMER_MODE_RESERVED,
  TIMER_MODE_TSC_DEADLINE,
} from "./timer/registers.js";
export type { LapicTimerState } from "./timer/state.js";
export type {
  CountConfiguration,
  RescaledTimer,
  RescaleInputs,
  StartedTimer,
  StartInputs,
} from "./timer/target-expiration.js";
export { setTargetExpiration, updateTargetExpiration } from "./timer/target-expiration.js";
export { tscDeadlineDelayNs } from "./timer/tsc-deadline.js";
export type { LapicTimerVcpu } from "./timer/vcpu.js";
