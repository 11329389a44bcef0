export type { PvclockTextFault } from "./abi/memory-text.js";
export { PvclockTextError } from "./abi/memory-text.js";
export type { PvFeatures, PvMsrWrite } from "./abi/msrs.js";
export {
  isPvMsrReadable,
  KVM_CPUID_FEATURES,
  KVM_FEATURE_CLOCKSOURCE,
  KVM_FEATURE_CLOCKSOURCE_STABLE_BIT,
  KVM_FEATURE_CLOCKSOURCE2,
  KVM_FEATURE_STEAL_TIME,
  MSR_KVM_STEAL_TIME,
  MSR_KVM_SYSTEM_TIME,
  MSR_KVM_SYSTEM_TIME_NEW,
  MSR_KVM_WALL_CLOCK,
  MSR_KVM_WALL_CLOCK_NEW,
  writePvMsr,
} from "./abi/msrs.js";
export type { ParsedTimeInfo, TimeInfoFinding, TimeInfoFindingName } from "./abi/parse-time-info.js";
export { parseVcpuTimeInfo, TIME_INFO_FINDINGS } from "./abi/parse-time-info.js";
export type { ReferenceTscPage, ReferenceTscParameters } from "./abi/reference-tsc-page.js";
export {
  decodeReferenceTscPage,
  encodeReferenceTscPage,
  REFERENCE_TSC_PAGE_SIZE,
  referenceTscParameters,
  writeReferenceTscPage,
  writeReferenceTscPageSteps,
} from "./abi/reference-tsc-page.js";
export type { StealTime } from "./abi/steal-time.js";
export {
  decodeStealTime,
  encodeStealTime,
  KVM_VCPU_FLUSH_TLB,
  KVM_VCPU_PREEMPTED,
  recordStealTime,
  recordStealTimeSteps,
  STEAL_TIME_SIZE,
} from "./abi/steal-time.js";
export type { HostStore } from "./abi/steps.js";
export type { PvclockReference, VcpuTimeInfo } from "./abi/vcpu-time-info.js";
export {
  decodeVcpuTimeInfo,
  encodeVcpuTimeInfo,
  PVCLOCK_COUNTS_FROM_ZERO,
  PVCLOCK_GUEST_STOPPED,
  PVCLOCK_TSC_STABLE_BIT,
  VCPU_TIME_INFO_SIZE,
} from "./abi/vcpu-time-info.js";
export type { WallClock } from "./abi/wall-clock.js";
export {
  decodeWallClock,
  encodeWallClock,
  WALL_CLOCK_SIZE,
  writeWallClock,
  writeWallClockSteps,
} from "./abi/wall-clock.js";
export type { TimeInfoUpdate, TimeInfoWriteOptions } from "./abi/write-time-info.js";
export { retractTscStable, writeVcpuTimeInfo, writeVcpuTimeInfoSteps } from "./abi/write-time-info.js";
export type { XenTscCpuid } from "./abi/xen-tsc-cpuid.js";
export { xenTscCpuid } from "./abi/xen-tsc-cpuid.js";
export type { GuestLoad } from "./guest/guest-load.js";
export type {
  ClockStep,
  GuestPvclockEvents,
  GuestPvclockOptions,
  GuestPvclockState,
  WallTime,
} from "./guest/guest-pvclock.js";
export { GuestPvclock } from "./guest/guest-pvclock.js";
export type { GuestTscQuality, KvmclockSetup } from "./guest/kvm-clocksource.js";
export { chooseKvmclock, kvmclockRating } from "./guest/kvm-clocksource.js";
export type { PvclockFormulaState } from "./guest/pvclock-formula.js";
export { PvclockFormula } from "./guest/pvclock-formula.js";
export { readCycles } from "./guest/read-cycles.js";
export type { ReferenceTimeReading } from "./guest/read-reference-tsc.js";
export { readReferenceTsc, readReferenceTscSteps } from "./guest/read-reference-tsc.js";
export {
  readStealTime,
  readStealTimeSteps,
  readWallClock,
  readWallClockSteps,
} from "./guest/read-sequenced.js";
export type { ReadTsc, TimeInfoReading } from "./guest/read-time-info.js";
export { readVcpuTimeInfo, readVcpuTimeInfoSteps } from "./guest/read-time-info.js";
export { pvclockTscKhz } from "./guest/tsc-khz.js";
export type { PvclockAxis, PvclockBehaviours } from "./host/behaviours.js";
export { NEWEST_PVCLOCK_BEHAVIOURS, PVCLOCK_BEHAVIOURS } from "./host/behaviours.js";
export type { KvmClockData, KvmClockSetting } from "./host/clock-data.js";
export { KVM_CLOCK_HOST_TSC, KVM_CLOCK_REALTIME, KVM_CLOCK_TSC_STABLE } from "./host/clock-data.js";
export type { GuestFrequencyUnit, ScaledCounter } from "./host/clock-scale.js";
export { guestClockHz } from "./host/clock-scale.js";
export type { LoadRateLimitState } from "./host/global-update.js";
export { GLOBAL_UPDATE_DELAY_NS, PERIODIC_SYNC_NS } from "./host/global-update.js";
export type { GuestMemory } from "./host/guest-memory.js";
export type { KvmclockHost, PvclockBase } from "./host/kvmclock-host.js";
export { kvmclockBaseNs } from "./host/kvmclock-host.js";
export type { KvmclockNotifierState } from "./host/kvmclock-notifier.js";
export { KvmclockNotifier } from "./host/kvmclock-notifier.js";
export type {
  KvmclockVcpuTsc,
  KvmclockVmTsc,
  MasterClockReference,
  MasterClockUpdate,
  VcpuKvmclockState,
  VmKvmclockEvents,
  VmKvmclockOptions,
  VmKvmclockState,
  VmKvmclockSurroundings,
} from "./host/kvmclock-types.js";
export type { ClockPair, TscMigration, TscRatioOf } from "./host/migration.js";
export { documentedTscOffset, scaledTscOffset } from "./host/migration.js";
export type { PvclockArea, PvclockAreasState } from "./host/pvclock-areas.js";
export { PVCLOCK_AREAS } from "./host/pvclock-areas.js";
export { tscRequests } from "./host/tsc-requests.js";
export type { MsrWriter, VcpuKvmclock } from "./host/vcpu-kvmclock.js";
export type { KvmclockRequest } from "./host/vcpu-requests.js";
export { KVMCLOCK_REQUESTS } from "./host/vcpu-requests.js";
export { VmKvmclock } from "./host/vm-kvmclock.js";
export type { ReferenceTscClockState, ReferenceTscStatus } from "./hyperv/reference-tsc-clock.js";
export {
  HV_X64_MSR_REFERENCE_TSC,
  HV_X64_MSR_TIME_REF_COUNT,
  REFERENCE_TSC_STATUSES,
  ReferenceTscClock,
} from "./hyperv/reference-tsc-clock.js";
