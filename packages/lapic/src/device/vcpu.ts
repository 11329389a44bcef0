import type { TriggerMode } from "../priority/interrupt-state.js";
import type { AdvanceWait } from "../timer/advance-wait.js";

/** Why a posted-interrupt processor may not deliver without KVM (docs/model/lapic §2). */
export type ApicvInhibit = "APIC_ID_MODIFIED" | "APIC_BASE_MODIFIED";

/**
 * What a local APIC asks of its vCPU and requests from it; all of it is optional. A property is read at the moment it
 * matters.
 */
export interface LocalApicVcpu {
  /** Interrupts are posted by hardware (APICv); no by default, and no while the APIC inhibits it. */
  readonly apicvActive?: boolean;
  /** False in a run that must exit at once; true by default. */
  readonly wantsToRun?: boolean;
  /** The vCPU is in IN_GUEST_MODE; no by default. */
  readonly inGuestMode?: boolean;
  /** `pi_inject_timer` and (MWAIT or HLT exits disabled), acted on while APICv is active; no by default. */
  readonly canPostTimerInterrupt?: boolean;
  /** MWAIT exits are enabled, so a preemption timer may be used; yes by default. */
  readonly canUseHvTimer?: boolean;
  /** INIT and SIPI are blocked: system management mode, VMX root operation without a guest, or GIF clear. */
  readonly startUpBlocked?: boolean;
  /** KVM_REQ_EVENT: look for something to inject before the next entry. */
  requestEvent?(): void;
  /** KVM_REQ_UNBLOCK. */
  requestUnblock?(): void;
  /** Wakes a blocked vCPU; never interrupts a running guest (`timerPlacement` up to v5.2). */
  wake?(): void;
  /** Wakes a blocked vCPU, else makes a running guest exit. */
  kick?(): void;
  /** Something was posted: a running guest takes it without an exit, a blocked vCPU wakes. {@link kick} by default. */
  notifyPosted?(): void;
  /** Spins for what is left of the timer advance before an interrupt is posted. */
  spin?(wait: AdvanceWait): void;
  /** A non-maskable interrupt is queued. */
  nmi?(): void;
  /** A system management interrupt is queued; without this one it is discarded. */
  smi?(): void;
  /** A remote read, which wakes a vCPU halted in a paravirtual lock. */
  pvUnhalt?(): void;
  /** INIT: the processor's own reset, after the APIC's. */
  init?(): void;
  /** SIPI: the processor starts at `vector` · 4096. */
  startUp?(vector: number): void;
  /** An end of interrupt an I/O APIC is to hear of; `level` when TMR holds the vector. */
  eoi?(vector: number, trigger: TriggerMode): void;
}
