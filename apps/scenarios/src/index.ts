export type { ConformOptions } from "./conform/conform.js";
export { conform } from "./conform/conform.js";
export type { ConformReport, FileReport, FirstFailure } from "./conform/report.js";
export { ChronovisorError } from "./errors.js";
export type { KernelChoice } from "./kernels/kernels.js";
export { axisNames, axisValues, newestRelease, parseKernel } from "./kernels/kernels.js";
export { buildClockMachine } from "./machine/clock-machine.js";
export { LivelockError } from "./machine/engine/engine.js";
export type { GuestOp, GuestPort, GuestProgram, StartUpCode } from "./machine/guest/guest.js";
export {
  GuestCpu,
  IA32_TSC_DEADLINE,
  LVTT_MASKED,
  LVTT_PERIODIC,
  LVTT_TSC_DEADLINE,
  SVR_APIC_ENABLED,
  X2APIC_EOI,
  X2APIC_ICR,
  X2APIC_LVTT,
  X2APIC_SELF_IPI,
  X2APIC_SVR,
  X2APIC_TDCR,
  X2APIC_TMCCT,
  X2APIC_TMICT,
  X2APIC_TPR,
} from "./machine/guest/guest.js";
export type { EventTimerKind } from "./machine/host/event-timer.js";
export type { HostCpuOptions } from "./machine/host/host.js";
export type { HostTickOptions } from "./machine/host/host-tick.js";
export type { LapicMachine, LapicMachineOptions } from "./machine/lapic-machine.js";
export { buildLapicMachine } from "./machine/lapic-machine.js";
export type { Random } from "./random/random.js";
export { seededRandom } from "./random/random.js";
export type { JsonComparison, JsonRun } from "./scenario/json.js";
export { comparisonToJson, runToJson } from "./scenario/json.js";
export type {
  Bucket,
  ComparedKernel,
  Distribution,
  Expectation,
  Measured,
  ObservationSpec,
  Progress,
  Quantiles,
  Quantity,
  RunHooks,
  RunResult,
  ScenarioDefinition,
  Series,
  Source,
  Table,
  TableColumn,
  Unit,
} from "./scenario/types.js";
export { scenarios } from "./scenarios/index.js";
export type { SimulateOptions } from "./simulate.js";
export { simulate } from "./simulate.js";
