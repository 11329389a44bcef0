import type { TraceTextOrderSummary, TraceTextSummary } from "@chronovisor/trace";
import type { AdvanceFindings } from "./advance-watch.js";
import type { BackendFindings } from "./backend-watch.js";
import type { ClockFindings } from "./clock-watch.js";
import type { DeliveryFindings } from "./delivery-watch.js";
import type { ExpiryFindings } from "./expiry-watch.js";
import type { MasterClockFindings } from "./master-clock-watch.js";
import type { OffsetFindings } from "./offset-watch.js";
import type { VcpuName } from "./vcpu-directory.js";
import type { XenTimerFindings } from "./xen-timer-watch.js";

/** Timers of a vCPU, by who emulates them. */
export type GuestTimerKind = "lapic" | "xen" | "hyper-v";

/** What a log says of one of a vCPU's timers. */
export interface TimerFindings {
  readonly kind: GuestTimerKind;
  readonly delivery: DeliveryFindings;
  readonly expiry: ExpiryFindings;
}

/** What a log says of one vCPU. */
export interface VcpuFindings {
  readonly name: VcpuName;
  readonly clock: ClockFindings;
  readonly offset: OffsetFindings;
  readonly timers: readonly TimerFindings[];
  readonly backend: BackendFindings;
  readonly advance: AdvanceFindings;
  readonly xen: XenTimerFindings;
}

/** What a log says of one VM's master clock; VMs are told apart where the log has their processes. */
export interface VmFindings {
  readonly tgid: number | undefined;
  readonly masterClock: MasterClockFindings;
}

/** The log itself. */
export interface LogFindings {
  readonly text: TraceTextSummary;
  readonly order: TraceTextOrderSummary;
  /** What its times count: latencies are in this unit. */
  readonly unit: "ns" | "cycles";
  /** What times were rounded to, ns; undefined for cycles. */
  readonly resolutionNs: bigint | undefined;
  readonly first: bigint | undefined;
  readonly last: bigint | undefined;
  readonly cpus: number;
  /** Events of which the log does not have the CPU. */
  readonly withoutCpu: number;
  /** Expiries of guests' timers that could not be told to be any vCPU's. */
  readonly unattributed: number;
}

/** What a log says. */
export interface TraceFindings {
  readonly log: LogFindings;
  readonly vms: readonly VmFindings[];
  readonly vcpus: readonly VcpuFindings[];
}
