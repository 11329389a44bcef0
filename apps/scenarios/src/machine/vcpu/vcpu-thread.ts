import type { HostTsc } from "@chronovisor/clocksource";
import type { VcpuState } from "@chronovisor/trace";
import type { HostCpu, InterruptSection } from "../host/host-cpu.js";
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
  /** Ends a halt without an interrupt. */
  unhalt(): void;
  /** VMX root operation: INIT and SIPI wait. */
  readonly startUpBlocked: boolean;
  /** INIT: what it ran is gone. */
  init(): void;
  /** SIPI: it runs what is at `vector` · 4096; false if nothing is. */
  startUp(vector: number): boolean;
  /** An interrupt was posted while the guest runs: it is notified without an exit. */
  notifyPosted(): void;
}

/** Whether neither user space nor another thread keeps it out of the guest: it runs there, halts there, or is yet to start. */
export function isIn({ wantsToRun, state }: Pick<VcpuThread, "wantsToRun" | "state">): boolean {
  return wantsToRun && state !== "preempted";
}

/** A guest on a host CPU, as that CPU and its interrupts see it. */
export interface CpuGuest {
  readonly id: number;
  readonly name: string;
  /** Its thread is what the CPU runs. */
  readonly occupiesCpu: boolean;
  /** An interrupt for the host came: the guest leaves. False if it was not running. */
  leaveForInterrupt(): boolean;
  continueAfterInterrupt(): void;
  /** The CPU had interrupts off for its timers. */
  interruptsWereOff(section: InterruptSection): void;
  /** Its thread goes to another CPU. */
  moveTo(cpu: HostCpu): void;
}
