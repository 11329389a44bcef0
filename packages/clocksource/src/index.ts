export type { ClocksourceAxis, ClocksourceBehaviours } from "./behaviours.js";
export { CLOCKSOURCE_BEHAVIOURS } from "./behaviours.js";
export type { DeltaRule } from "./clocksource/clocksource-delta.js";
export { clocksourceDelta, clocksourceMask, maxRawDelta } from "./clocksource/clocksource-delta.js";
export { cyc2ns, cyc2nsBatch, cyc2nsInto } from "./clocksource/cyc2ns.js";
export type { CyclesToNsForm, ElapsedSource, ReadBase } from "./clocksource/cycles-to-ns.js";
export { cyclesToNs, elapsedNs } from "./clocksource/cycles-to-ns.js";
export type {
  ClockCopy,
  ClockCopyReading,
  KvmClockCopy,
  RealtimeCopyReading,
  VclockMode,
} from "./clocksource/kvm-clock-copy.js";
export { readKvmclockBase, readMonotonic, readRealtime } from "./clocksource/kvm-clock-copy.js";
export type { MultShift } from "./clocksource/mult-shift.js";
export { calcMultShift, hz2mult, khz2mult } from "./clocksource/mult-shift.js";
export type { ClocksourceRates, ClocksourceRegistration } from "./clocksource/register-clocksource.js";
export { calcMaxNsecs, maxAdjustment, registerClocksource } from "./clocksource/register-clocksource.js";
export type { CycleCounter, TimeCounterState } from "./clocksource/time-counter.js";
export { TimeCounter } from "./clocksource/time-counter.js";
export { ClocksourceWatchdog, WATCHDOG_TUNING, watchdogReadAttempts } from "./clocksource/watchdog.js";
export type {
  UnstableReason,
  WatchdogBaseline,
  WatchdogEvents,
  WatchdogOptions,
  WatchdogSource,
  WatchdogState,
  WatchdogTuning,
} from "./clocksource/watchdog-types.js";
export type { ClockRate, HostClock, SteeredHostClock } from "./host-clock.js";
export type {
  BoottimeNs,
  GuestTsc,
  HostTsc,
  KvmclockNs,
  MonotonicNs,
  MonotonicRawNs,
  RealtimeNs,
  TaiNs,
} from "./time-types.js";
export {
  boottimeNs,
  guestTsc,
  hostTsc,
  kvmclockNs,
  monotonicNs,
  monotonicRawNs,
  realtimeNs,
  taiNs,
} from "./time-types.js";
export type { ComposedTscState, NestedTsc } from "./tsc/composed-tsc.js";
export type { HostClocksource, HostTscHealthState } from "./tsc/host-tsc-health.js";
export { HostTscHealth } from "./tsc/host-tsc-health.js";
export { nestedTscOffset, nestedTscRatio } from "./tsc/nested-tsc.js";
export { resumeHost } from "./tsc/resume-host.js";
export type { CatchupDelta, ScaledTscState, TscStart } from "./tsc/scaled-tsc.js";
export { ScaledTsc } from "./tsc/scaled-tsc.js";
export type { TimeScale } from "./tsc/time-scale.js";
export { getTimeScale } from "./tsc/time-scale.js";
export type { TscKhzPlan, TscKhzRequest } from "./tsc/tsc-khz-plan.js";
export { planTscKhz, tscToleranceKhz } from "./tsc/tsc-khz-plan.js";
export type { TscFractionBits, TscScaling, TscVendor } from "./tsc/tsc-ratio.js";
export {
  adjustTscKhz,
  maxGuestTscKhz,
  scaleTsc,
  scaleTscBatch,
  scaleTscInto,
  TSC_SCALING,
  tscRatio,
} from "./tsc/tsc-ratio.js";
export type { TscScaleAttribute } from "./tsc/tsc-scale-attribute.js";
export { getTscScale } from "./tsc/tsc-scale-attribute.js";
export { VcpuTsc } from "./tsc/vcpu-tsc.js";
export type { TscGeneration, VcpuTscEvents, VcpuTscOptions, VcpuTscState } from "./tsc/vcpu-tsc-types.js";
export { VmTsc } from "./tsc/vm-tsc.js";
export type {
  TscKhzChange,
  TscSyncClock,
  TscWrite,
  TscWriteState,
  UserTsc,
  VcpuAddRefresh,
  VmTscEvents,
  VmTscOptions,
  VmTscState,
  VmTscSurroundings,
} from "./tsc/vm-tsc-types.js";
export type { VcpuTscView } from "./vcpu-tsc-view.js";
export { divFrac } from "./wide/div-frac.js";
export {
  DivideError,
  mulU64U32Div,
  mulU64U32DivPortable,
  mulU64U64DivU64,
  mulU64U64DivU64Portable,
} from "./wide/mul-div.js";
export { mulS64U64Shr } from "./wide/mul-s64-u64-shr.js";
export { mulU64U32AddU64Shr } from "./wide/mul-u64-u32-add-u64-shr.js";
export { mulU64U32Shr, mulU64U32ShrBatch, mulU64U32ShrInto } from "./wide/mul-u64-u32-shr.js";
export { mulU64U64Shr, mulU64U64ShrBatch, mulU64U64ShrInto } from "./wide/mul-u64-u64-shr.js";
export { pvScale, pvScaleBatch, pvScaleInto } from "./wide/pv-scale.js";
export { shlDivU64 } from "./wide/shl-div-u64.js";
