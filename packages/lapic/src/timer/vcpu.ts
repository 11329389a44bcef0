import type { AdvanceWait } from "./advance-wait.js";

/**
 * What the timer asks of its vCPU and requests from it. Every property is read at the moment it matters; an optional one
 * that is absent means no.
 */
export interface LapicTimerVcpu {
  /** IA32_APICBASE bit 11. */
  readonly hwEnabled: boolean;
  /** SVR bit 8. */
  readonly swEnabled: boolean;
  /** Interrupts are posted by hardware on this vCPU. */
  readonly apicvActive?: boolean;
  /** False in a run that must exit at once. */
  readonly wantsToRun?: boolean;
  /** The vCPU is in IN_GUEST_MODE. */
  readonly inGuestMode?: boolean;
  /** `pi_inject_timer` and APICv and (MWAIT or HLT exits disabled); only acted on under `timerPlacement: "posted"`. */
  readonly canPostTimerInterrupt?: boolean;
  /** The vCPU's part of `kvm_can_use_hv_timer`, besides the vendor having a timer: MWAIT exits are enabled. */
  readonly canUseHvTimer?: boolean;
  /** Local delivery through the LVT value: vector and mask from `lvtt`; true when accepted. */
  deliver(lvtt: number): boolean;
  /** KVM_REQ_UNBLOCK. */
  requestUnblock(): void;
  /** Wakes a blocked vCPU; never interrupts a running guest (up to v5.2). */
  wake(): void;
  /** Wakes a blocked vCPU, else makes a running guest exit (v5.3 and later). */
  kick(): void;
  /** Spins for what is left of the advance before an interrupt is posted. */
  spin(wait: AdvanceWait): void;
}
