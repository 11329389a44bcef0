import type { HostTsc } from "@chronovisor/clocksource";
import type { VcpuState } from "@chronovisor/trace";
import type { VcpuCounters } from "./vcpu-counters.js";

/** What a vCPU's devices know of the thread that runs it. */
export interface VcpuThread {
  readonly id: number;
  readonly name: string;
  readonly now: HostTsc;
  readonly state: VcpuState;
  /** Whether user space lets it run. */
  readonly wantsToRun: boolean;
  readonly counters: VcpuCounters;
  /** KVM_REQ_UNBLOCK: ends a block, and aborts an entry. */
  requestUnblock(): void;
  /** Wakes it if it is halted; a running guest hears nothing. */
  wake(): void;
  /** Wakes it if it is halted, else makes a running guest exit. */
  kick(): void;
}

/** A guest on a host CPU, as that CPU's interrupts see it. */
export interface InterruptedGuest {
  /** An interrupt for the host came: the guest leaves. False if it was not running. */
  leaveForInterrupt(): boolean;
  continueAfterInterrupt(): void;
}
